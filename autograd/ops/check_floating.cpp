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

void check_subtracts(const char* op, DType a, DType b) {
  if (a == kBool || b == kBool)
    throw DTypeError(
        fmt::format("{}: bool is not supported\n  a {}   b {}\n"
                    "  hint: logical_xor() tells where masks differ, logical_not() inverts one",
                    op, name(a), name(b)));
}

}  // namespace bb::detail
