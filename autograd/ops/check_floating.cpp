#include "bb/autograd/ops/check_floating.h"

#include "bb/core/checks.h"
#include "bb/core/error.h"

namespace bb::detail {

void check_floating(const char* op, const Tensor& x, const char* role) {
  check_defined(op, {{role, x}});
  if (!is_floating_point(x.dtype()))
    throw DTypeError(
        fmt::format("{}: needs floating point\n  {} {}\n"
                    "  hint: convert with to(kFloat32)",
                    op, role, describe(x)));
}

namespace {

[[noreturn]] void throw_masks(const char* op, const std::string& operands) {
  throw DTypeError(
      fmt::format("{}: bool is not supported\n  {}\n"
                  "  hint: logical_xor() tells where masks differ, logical_not() inverts one",
                  op, operands));
}

}  // namespace

void check_subtracts(const char* op, const Tensor& a, const Tensor& b) {
  check_defined(op, {{"a", a}, {"b", b}});
  if (a.dtype() == kBool || b.dtype() == kBool) throw_masks(op, text_of({{"a", a}, {"b", b}}));
}
void check_subtracts(const char* op, const Tensor& a, Scalar b) {
  check_defined(op, {{"a", a}});
  if (a.dtype() == kBool || b.natural_dtype() == kBool) throw_masks(op, text_of({{"a", a}}));
}
void check_subtracts(const char* op, Scalar a, const Tensor& b) {
  check_defined(op, {{"b", b}});
  if (b.dtype() == kBool || a.natural_dtype() == kBool) throw_masks(op, text_of({{"b", b}}));
}

}  // namespace bb::detail
