#include "bb/autograd/ops/products.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/linalg.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/matrix.h"
#include "bb/core/strided.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using autograd::wants_grad;

namespace {

void check_dtypes(const char* op, const Tensor& a, const Tensor& b, const char* b_role) {
  const auto operands = {detail::Role{"a", a}, detail::Role{b_role, b}};
  detail::check_defined(op, operands);
  if (a.dtype() == b.dtype() && a.dtype() != kBool) return;
  throw DTypeError(
      fmt::format("{}: operands must have one dtype, not bool\n  {}\n"
                  "  hint: convert with to(kFloat32)",
                  op, detail::text_of(operands)));
}

// Throws unless a and b, a vector by the name of v, have the ranks given, and their sizes agree.
void check_ranks(const char* op, const Tensor& a, int64_t a_rank, const Tensor& b, int64_t b_rank) {
  const char* b_role = a_rank == 2 && b_rank == 1 ? "v" : "b";
  check_dtypes(op, a, b, b_role);
  const auto operands = {detail::Role{"a", a}, detail::Role{b_role, b}};
  const auto fail = [&](const std::string& why) {
    throw ShapeError(fmt::format("{}: {}\n  {}", op, why, detail::shapes_of(operands)));
  };
  if (a.dim() != a_rank || b.dim() != b_rank)
    fail(fmt::format("a must have {} dimension{} and {} {}", a_rank, a_rank == 1 ? "" : "s", b_role,
                     b_rank));
  const int64_t inner = b.size(b_rank == 1 ? 0 : -2);
  if (a.size(-1) != inner) fail(fmt::format("inner sizes differ: {} and {}", a.size(-1), inner));
  if (a_rank == 3 && a.size(0) != b.size(0))
    fail(fmt::format("batches differ: {} and {}", a.size(0), b.size(0)));
  if (b_rank > 1)
    detail::check_result(op, detail::with_matrix(detail::batch_shape(a), a.size(-2), b.size(-1)),
                         a.dtype(), operands);
}

void check_addend(const char* op, const Tensor& x, const Tensor& a) {
  detail::check_defined(op, x);
  if (x.dtype() != a.dtype())
    throw DTypeError(fmt::format("{}: operands must have one dtype\n  {}", op,
                                 detail::text_of({{"x", x}, {"a", a}})));
}

[[noreturn]] void throw_addend(const char* op, detail::Operands operands, const Shape& product) {
  throw ShapeError(fmt::format("{}: x does not broadcast to the product {}\n  {}", op, product,
                               detail::shapes_of(operands)));
}

// beta x + alpha a b, for operands that fit.
Tensor add_product(const char* op, const Tensor& x, const Tensor& a, const Tensor& b,
                   const AddmmOptions& options) {
  const Shape shape = detail::with_matrix(detail::batch_shape(a), a.size(-2), b.size(-1));
  Shape common = shape;
  if (detail::broadcast_into(common, x.shape()) > 0 || common != shape)
    throw_addend(op, {{"x", x}, {"a", a}, {"b", b}}, shape);
  const double beta = options.beta.to_double(), alpha = options.alpha.to_double();
  Tensor y = Tensor::empty(shape, a.dtype());
  if (beta != 0) detail::copy_elements(y, x);
  detail::multiply(y, a, b, alpha, beta);
  return record(op, {x, a, b}, std::move(y),
                [a = autograd::saved_for(b, a), b = autograd::saved_for(a, b), alpha, beta](
                    const Tensor& dy, Needs needs) {
                  std::array<Tensor, 3> grads;
                  const auto scaled = [](const Tensor& t, double by) {
                    return by == 1 ? t : t * by;
                  };
                  if (needs[0]) grads[0] = scaled(dy, beta);
                  if (needs[1]) grads[1] = scaled(matmul(dy, mT(*b)), alpha);
                  if (needs[2]) grads[2] = scaled(matmul(mT(*a), dy), alpha);
                  return grads;
                });
}

}  // namespace

Tensor mm(const Tensor& a, const Tensor& b) {
  check_ranks("mm", a, 2, b, 2);
  return matmul(a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check_ranks("bmm", a, 3, b, 3);
  return matmul(a, b);
}

Tensor mv(const Tensor& a, const Tensor& v) {
  check_ranks("mv", a, 2, v, 1);
  return matmul(a, v);
}

Tensor dot(const Tensor& a, const Tensor& b) {
  check_ranks("dot", a, 1, b, 1);
  return matmul(a, b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  const auto operands = {detail::Role{"a", a}, detail::Role{"b", b}};
  detail::check_defined("outer", operands);
  if (a.dim() != 1 || b.dim() != 1)
    throw ShapeError(
        fmt::format("outer: operands must be vectors\n  a {}   b {}", a.shape(), b.shape()));
  detail::check_result("outer", {a.size(0), b.size(0)}, promote_types(a.dtype(), b.dtype()),
                       operands);
  return unsqueeze(a, 1) * b;
}

Tensor kron(const Tensor& a, const Tensor& b) {
  const auto operands = {detail::Role{"a", a}, detail::Role{"b", b}};
  detail::check_defined("kron", operands);
  const int64_t rank = std::max(a.dim(), b.dim());
  if (2 * rank > Shape::kMaxRank)
    throw ShapeError(fmt::format("kron: at most {} dimensions\n  a {}   b {}", Shape::kMaxRank / 2,
                                 a.shape(), b.shape()));
  // a [m, 1, n, 1] b [p, 1, q]: each of a's elements times all of b's.
  Shape spread_a, spread_b, result;
  for (int64_t d = 0; d < rank; ++d) {
    const int64_t in_a = d - (rank - a.dim()), in_b = d - (rank - b.dim());
    const int64_t m = in_a < 0 ? 1 : a.shape()[in_a], p = in_b < 0 ? 1 : b.shape()[in_b];
    spread_a.push_back(m);
    spread_a.push_back(1);
    spread_b.push_back(1);
    spread_b.push_back(p);
    int64_t size = 0;
    if (__builtin_mul_overflow(m, p, &size))
      detail::throw_too_large("kron", detail::shapes_of(operands));
    result.push_back(size);
  }
  detail::check_result("kron", result, promote_types(a.dtype(), b.dtype()), operands);
  return reshape(reshape(a, spread_a) * reshape(b, spread_b), result);
}

Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, const AddmmOptions& options) {
  check_ranks("addmm", a, 2, b, 2);
  check_addend("addmm", x, a);
  return add_product("addmm", x, a, b, options);
}

Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, const AddmmOptions& options) {
  check_ranks("baddbmm", a, 3, b, 3);
  check_addend("baddbmm", x, a);
  return add_product("baddbmm", x, a, b, options);
}

Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& v, const AddmmOptions& options) {
  check_ranks("addmv", a, 2, v, 1);
  check_addend("addmv", x, a);
  const Shape shape{a.size(0)};
  Shape common = shape;
  if (detail::broadcast_into(common, x.shape()) > 0 || common != shape)
    throw_addend("addmv", {{"x", x}, {"a", a}, {"v", v}}, shape);
  const Tensor column = x.dim() == 0 ? x : unsqueeze(x, 1);
  return squeeze(add_product("addmv", column, a, unsqueeze(v, 1), options), 1);
}

Tensor Tensor::mm(const Tensor& other) const { return bb::mm(*this, other); }
Tensor Tensor::bmm(const Tensor& other) const { return bb::bmm(*this, other); }
Tensor Tensor::mv(const Tensor& vector) const { return bb::mv(*this, vector); }
Tensor Tensor::dot(const Tensor& other) const { return bb::dot(*this, other); }
Tensor Tensor::outer(const Tensor& other) const { return bb::outer(*this, other); }
Tensor Tensor::kron(const Tensor& other) const { return bb::kron(*this, other); }
Tensor Tensor::addmm(const Tensor& a, const Tensor& b) const { return bb::addmm(*this, a, b); }
Tensor Tensor::addmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const {
  return bb::addmm(*this, a, b, options);
}
Tensor Tensor::baddbmm(const Tensor& a, const Tensor& b) const { return bb::baddbmm(*this, a, b); }
Tensor Tensor::baddbmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const {
  return bb::baddbmm(*this, a, b, options);
}
Tensor Tensor::addmv(const Tensor& a, const Tensor& v) const { return bb::addmv(*this, a, v); }
Tensor Tensor::addmv(const Tensor& a, const Tensor& v, const AddmmOptions& options) const {
  return bb::addmv(*this, a, v, options);
}

}  // namespace bb
