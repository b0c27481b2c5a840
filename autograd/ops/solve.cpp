#include "bb/autograd/ops/solve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/linalg.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/triangle.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/factor.h"
#include "bb/core/matrix.h"
#include "bb/core/parallel.h"
#include "bb/core/strided.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using autograd::wants_grad;

namespace {

void check_square(const char* op, const Tensor& x, const char* role = "x") {
  detail::check_floating(op, x, role);
  if (x.dim() < 2 || x.size(-1) != x.size(-2))
    throw ShapeError(fmt::format("{}: {} must be a square matrix or a batch of them\n  {} {}", op,
                                 role, role, x.shape()));
}

void check_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  detail::check_defined(op, {{"a", a}, {"b", b}});
  if (a.dtype() != b.dtype())
    throw DTypeError(fmt::format("{}: a and b must have one dtype\n  a {}   b {}", op, describe(a),
                                 describe(b)));
}

// Which of a batch matrix number i is, for errors: "" where there is but one.
std::string which(const Shape& batch, int64_t i) {
  if (batch.empty()) return "";
  return fmt::format(" {} of the batch", detail::position(batch, i));
}

// Calls fn(i) for each matrix, side by side where they are many. Of n^3 operations each.
template <class Fn>
void for_each_matrix(int64_t count, int64_t n, const Fn& fn) {
  const auto size = static_cast<double>(n);
  parallel_for(count, 20 + size * size * size * 0.3, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) fn(i);
  });
}

template <class T>
kernels::MatrixRef<T> matrix_at(const Tensor& rows, int64_t i) {  // of a batch without gaps
  const int64_t m = rows.size(-2), n = rows.size(-1);
  return {static_cast<T*>(rows.raw_data()) + i * m * n, n, 1};
}

// A copy without gaps, off the tape.
Tensor plain_copy(const Tensor& x) { return x.detach().clone(); }

// ---- LU

struct LU {
  Tensor factors;  // [batch..., n, n]
  Tensor pivots;   // int64 [batch..., n]
  Tensor sign;     // of the permutation, [batch...]
};

LU factorize(const Tensor& x) {
  const Shape batch = detail::batch_shape(x);
  const int64_t n = x.size(-1), count = batch.numel();
  Shape rows = batch;
  rows.push_back(n);
  LU lu{plain_copy(x), Tensor::empty(rows, kInt64), Tensor::empty(batch, x.dtype())};
  visit_floating(x.dtype(), [&]<class T>() {
    for_each_matrix(count, n, [&](int64_t i) {
      lu.sign.data<T>()[i] = static_cast<T>(
          kernels::lu<T>(n, matrix_at<T>(lu.factors, i), lu.pivots.data<int64_t>() + i * n));
    });
  });
  return lu;
}

// Throws where a matrix of the batch has a pivot of 0.
void check_regular(const char* op, const LU& lu, const Shape& shape, const char* role = "x") {
  const int64_t n = lu.factors.size(-1);
  const Shape batch = detail::batch_shape(lu.factors);
  visit_floating(lu.factors.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < batch.numel(); ++i)
      for (int64_t j = 0; j < n; ++j)
        if (*matrix_at<T>(lu.factors, i).at(j, j) == 0)
          throw ValueError(fmt::format("{}: matrix{} is singular (pivot {} is 0)\n  {} {}", op,
                                       which(batch, i), j, role, shape));
  });
}

// The x of a x = b from a's factors, for b [batch..., n, m], off the tape.
Tensor solve_factored(const LU& lu, const Tensor& b) {
  Tensor x = plain_copy(b);
  const int64_t n = x.size(-2), m = x.size(-1);
  const Shape batch = detail::batch_shape(x);
  const Tensor factors = expand(lu.factors, detail::with_matrix(batch, n, n)).contiguous();
  Shape rows = batch;
  rows.push_back(n);
  const Tensor pivots = expand(lu.pivots, rows).contiguous();
  if (x.numel() == 0) return x;
  visit_floating(x.dtype(), [&]<class T>() {
    for_each_matrix(batch.numel(), n, [&](int64_t i) {
      const auto to = matrix_at<T>(x, i);
      const kernels::MatrixRef<const T> a = matrix_at<T>(factors, i);
      const int64_t* pivot = pivots.data<int64_t>() + i * n;
      for (int64_t r = 0; r < n; ++r)
        if (pivot[r] != r) std::swap_ranges(to.at(r, 0), to.at(r, 0) + m, to.at(pivot[r], 0));
      kernels::solve_triangular<T>(n, m, a, {.unit = true}, to);
      kernels::solve_triangular<T>(n, m, a, {.upper = true}, to);
    });
  });
  return x;
}

Tensor identity_like(const Tensor& x) {
  return expand(diag(ones({x.size(-1)}, x.dtype())), x.shape());
}

// ---- Determinants

struct Determinant {
  Tensor sign, logabs, value;  // [batch...]
};

Determinant determinant(const LU& lu) {
  const int64_t n = lu.factors.size(-1);
  const Shape& batch = lu.sign.shape();
  const DType dtype = lu.factors.dtype();
  Determinant d{Tensor::empty(batch, dtype), Tensor::empty(batch, dtype),
                Tensor::empty(batch, dtype)};
  visit_floating(dtype, [&]<class T>() {
    for (int64_t i = 0; i < batch.numel(); ++i) {
      const auto a = matrix_at<T>(lu.factors, i);
      T sign = lu.sign.data<T>()[i], logabs = 0, value = sign;
      for (int64_t j = 0; j < n; ++j) {
        const T pivot = *a.at(j, j);
        sign = pivot == 0 ? T{0} : pivot < 0 ? -sign : sign;
        logabs += std::log(std::abs(pivot));
        value *= pivot;
      }
      d.sign.data<T>()[i] = sign;
      d.logabs.data<T>()[i] = logabs;
      d.value.data<T>()[i] = value;
    }
  });
  return d;
}

// With dims of size 1 for rows and columns.
Tensor as_matrices(const Tensor& numbers) { return unsqueeze(unsqueeze(numbers, -1), -1); }

// The gradient of det() for dy, off the tape: dy det(x) x^-T, by a factorisation in which pivots of
// 0 are small numbers instead. These cancel: the cofactors of a singular matrix come out.
Tensor det_grad(const Tensor& dy, const Tensor& x) {
  LU lu = factorize(transpose(x, -1, -2));
  const int64_t n = x.size(-1);
  visit_floating(x.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < lu.sign.numel(); ++i) {
      const auto a = matrix_at<T>(lu.factors, i);
      T largest = 0;
      for (int64_t j = 0; j < n; ++j) largest = std::max(largest, std::abs(*a.at(j, j)));
      const T small = std::numeric_limits<T>::epsilon() * (largest > 0 ? largest : T{1});
      for (int64_t j = 0; j < n; ++j)
        if (*a.at(j, j) == 0) *a.at(j, j) = small;
    }
  });
  return solve_factored(lu, identity_like(x)) * as_matrices(dy * determinant(lu).value);
}

// ---- Cholesky

// tril() with half the diagonal.
Tensor half_tril(const Tensor& x) { return (tril(x) + tril(x, -1)) * 0.5; }

Tensor cholesky_lower(const Tensor& x) {
  const Shape batch = detail::batch_shape(x);
  const int64_t n = x.size(-1), count = batch.numel();
  Tensor y = plain_copy(x);
  std::vector<int64_t> failed(static_cast<size_t>(count));
  visit_floating(x.dtype(), [&]<class T>() {
    for_each_matrix(count, n, [&](int64_t i) {
      failed[static_cast<size_t>(i)] = kernels::cholesky<T>(n, matrix_at<T>(y, i));
    });
  });
  for (int64_t i = 0; i < count; ++i)
    if (failed[static_cast<size_t>(i)] > 0)
      throw ValueError(fmt::format(
          "cholesky: matrix{} is not positive definite (the leading minor of order {} is not "
          "positive)\n  x {}",
          which(batch, i), failed[static_cast<size_t>(i)], x.shape()));
  y = no_grad([&] { return tril(y); });
  Saved saved = autograd::output_for(x, y);
  // With dL = L half_tril(L^-1 dx L^-T): Murray, Differentiation of the Cholesky decomposition,
  // arXiv 1602.07527.
  return record("cholesky", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    const Tensor l = *y, lt = mT(l);
    const Tensor inner = half_tril(matmul(lt, dy));
    const Tensor half = solve_triangular(lt, inner, {.upper = true});
    const Tensor dx = solve_triangular(l, half, {.left = false});
    return (dx + mT(dx)) * 0.5;
  });
}

}  // namespace

Tensor cholesky(const Tensor& x, bool upper) {
  check_square("cholesky", x);
  return upper ? mT(cholesky_lower(mT(x))) : cholesky_lower(x);
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, const SolveTriangularOptions& options) {
  check_square("solve_triangular", a, "a");
  check_same_dtype("solve_triangular", a, b);
  if (b.dim() < 2 || b.size(options.left ? -2 : -1) != a.size(-1))
    throw ShapeError(fmt::format("solve_triangular: b's {} must be a's\n  a {}   b {}",
                                 options.left ? "rows" : "columns", a.shape(), b.shape()));
  const Shape batch = detail::broadcast("solve_triangular", {{"a", a}, {"b", b}}, 2);
  if (!options.left)  // x a = b is a^T x^T = b^T
    return mT(solve_triangular(mT(a), mT(b),
                               {.upper = !options.upper, .unitriangular = options.unitriangular}));

  const int64_t n = b.size(-2), m = b.size(-1);
  const Shape shape = detail::with_matrix(batch, n, m);
  Tensor y = Tensor::empty(shape, b.dtype());
  detail::copy_elements(y, b);
  const Tensor factors = no_grad([&] {
    const Tensor one = a.dim() == 2 ? a.detach().unsqueeze(0) : a.detach();
    return one.dim() == 3 ? one : one.reshape({detail::batch_shape(one).numel(), n, n});
  });
  // Matrix i of the batch is number at(i) of a's.
  const Tensor numbers = no_grad([&] {
    const Shape own = detail::batch_shape(a);
    return expand(arange(own.numel()).reshape(own), batch).contiguous();
  });
  if (y.numel() > 0)
    visit_floating(b.dtype(), [&]<class T>() {
      const auto first = detail::matrix<T>(factors);
      for_each_matrix(batch.numel(), n, [&](int64_t i) {
        kernels::MatrixRef<const T> from = first;
        from.data += numbers.data<int64_t>()[i] * factors.strides()[0];
        kernels::solve_triangular<T>(n, m, from, {options.upper, options.unitriangular},
                                     matrix_at<T>(y, i));
      });
    });
  const bool wants_a = wants_grad(a), wants_any = wants_a || wants_grad(b);
  Saved saved = wants_a ? Saved::output(y) : Saved();
  return record("solve_triangular", {a, b}, std::move(y),
                [a = wants_any ? Saved(a) : Saved(), x = std::move(saved), options](
                    const Tensor& dy, Needs needs) {
                  std::array<Tensor, 2> grads;
                  const Tensor db = solve_triangular(
                      mT(*a), dy,
                      {.upper = !options.upper, .unitriangular = options.unitriangular});
                  if (needs[1]) grads[1] = db;
                  if (needs[0]) {
                    const Tensor da = -matmul(db, mT(*x));
                    const int64_t inside = options.unitriangular ? 1 : 0;
                    grads[0] = options.upper ? triu(da, inside) : tril(da, -inside);
                  }
                  return grads;
                });
}

// ---- General matrices

namespace {

// solve() for b [..., n, m]. `op` is for the error.
Tensor solve_matrix(const char* op, const Tensor& a, const Tensor& b) {
  const Shape batch = broadcast_shapes(op, detail::batch_shape(a), detail::batch_shape(b));
  Tensor y = no_grad([&] {
    const LU lu = factorize(a.detach());
    check_regular(op, lu, a.shape(), "a");
    return solve_factored(lu,
                          expand(b.detach(), detail::with_matrix(batch, b.size(-2), b.size(-1))));
  });
  const bool wants_a = wants_grad(a), wants_any = wants_a || wants_grad(b);
  Saved saved = wants_a ? Saved::output(y) : Saved();
  return record(op, {a, b}, std::move(y),
                [a = wants_any ? Saved(a) : Saved(), x = std::move(saved), op](const Tensor& dy,
                                                                               Needs needs) {
                  std::array<Tensor, 2> grads;
                  const Tensor db = solve_matrix(op, mT(*a), dy);
                  if (needs[1]) grads[1] = db;
                  if (needs[0]) grads[0] = -matmul(db, mT(*x));
                  return grads;
                });
}

}  // namespace

Tensor solve(const Tensor& a, const Tensor& b) {
  check_square("solve", a, "a");
  check_same_dtype("solve", a, b);
  Shape vectors = detail::batch_shape(a);
  vectors.push_back(a.size(-1));
  const bool vector = b.dim() == 1 || b.shape() == vectors;
  if (b.dim() == 0 || b.size(vector ? -1 : -2) != a.size(-1))
    throw ShapeError(
        fmt::format("solve: b's rows must be a's\n  a {}   b {}", a.shape(), b.shape()));
  if (!vector) detail::broadcast("solve", {{"a", a}, {"b", b}}, 2);
  return vector ? squeeze(solve_matrix("solve", a, unsqueeze(b, -1)), -1)
                : solve_matrix("solve", a, b);
}

Tensor inverse(const Tensor& x) {
  check_square("inverse", x);
  Tensor y = no_grad([&] {
    const LU lu = factorize(x.detach());
    check_regular("inverse", lu, x.shape());
    return solve_factored(lu, identity_like(x));
  });
  Saved saved = autograd::output_for(x, y);
  return record("inverse", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    const Tensor yt = mT(*y);
    return -matmul(matmul(yt, dy), yt);
  });
}

Tensor det(const Tensor& x) {
  check_square("det", x);
  return record("det", {x}, determinant(factorize(x.detach())).value,
                [x = Saved(x)](const Tensor& dy) {
                  if (!is_grad_enabled()) return det_grad(dy, *x);
                  const Tensor whole = *x;
                  return as_matrices(dy * det(whole)) * mT(inverse(whole));
                });
}

SlogdetResult slogdet(const Tensor& x) {
  check_square("slogdet", x);
  const Determinant d = determinant(factorize(x.detach()));
  return {d.sign, record("slogdet", {x}, d.logabs, [x = Saved(x)](const Tensor& dy) {
            return as_matrices(dy) * mT(inverse(*x));
          })};
}

Tensor Tensor::cholesky(bool upper) const { return bb::cholesky(*this, upper); }
Tensor Tensor::det() const { return bb::det(*this); }
SlogdetResult Tensor::slogdet() const { return bb::slogdet(*this); }
Tensor Tensor::inverse() const { return bb::inverse(*this); }

}  // namespace bb
