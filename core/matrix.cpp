#include "bb/core/matrix.h"

#include <array>
#include <vector>

#include "bb/core/kernels/gemm_integer.h"
#include "bb/core/strided.h"

namespace bb::detail {
namespace {

// A batch of x as an operand of a walk, with strides in elements.
Operand batch_operand(const Tensor& x, const Shape& batch) {
  Operand result{nullptr, Shape::filled(batch.rank(), 0)};
  const int64_t count = x.dim() - 2, added = batch.rank() - count;
  for (int64_t d = 0; d < count; ++d)
    if (x.shape()[d] != 1) result.strides[d + added] = x.strides()[d];
  return result;
}

// Calls product(offsets) for each matrix of a batch: how far the operands move to it, in elements.
template <class Product>
void for_each_matrix(const Shape& batch, const std::array<Operand, 3>& steps,
                     const Product& product) {
  std::array<int64_t, Shape::kMaxRank> at{};
  for (int64_t i = 0, count = batch.numel(); i < count; ++i) {
    std::array<int64_t, 3> offsets{};
    for (int64_t d = 0; d < batch.rank(); ++d)
      for (size_t o = 0; o < 3; ++o) offsets[o] += at[static_cast<size_t>(d)] * steps[o].strides[d];
    product(offsets);
    for (int64_t d = batch.rank() - 1; d >= 0; --d) {
      if (++at[static_cast<size_t>(d)] < batch[d]) break;
      at[static_cast<size_t>(d)] = 0;
    }
  }
}

}  // namespace

Shape batch_shape(const Tensor& x) {
  return Shape(std::span<const int64_t>(x.shape().begin(), x.shape().end() - 2));
}

Shape with_matrix(Shape batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

void multiply(const Tensor& y, const Tensor& a, const Tensor& b, double alpha, double beta) {
  const int64_t m = y.size(-2), n = y.size(-1), k = a.size(-1);
  if (y.numel() == 0) return;
  Shape batch = batch_shape(y);
  const int64_t count = batch.numel();
  std::array<Operand, 3> steps{batch_operand(y, batch), batch_operand(a, batch),
                               batch_operand(b, batch)};
  merge_dims(batch, steps);
  const auto multiply_integers = [&]<class T>() {
    const auto a0 = matrix<T>(a), b0 = matrix<T>(b);
    const kernels::MatrixRef<T> y0{static_cast<T*>(y.raw_data()), n, 1};
    const auto whole = [](double x) { return static_cast<T>(static_cast<int64_t>(x)); };
    for_each_matrix(batch, steps, [&](const std::array<int64_t, 3>& offsets) {
      auto ai = a0, bi = b0;
      auto yi = y0;
      yi.data += offsets[0];
      ai.data += offsets[1];
      bi.data += offsets[2];
      kernels::gemm_integer<T>(m, n, k, ai, bi, yi, whole(alpha), whole(beta));
    });
  };
  if (y.dtype() == kUInt8) return multiply_integers.operator()<uint8_t>();
  if (y.dtype() == kInt32) return multiply_integers.operator()<int32_t>();
  if (y.dtype() == kInt64) return multiply_integers.operator()<int64_t>();
  visit_floating(y.dtype(), [&]<class T>() {
    const auto a0 = matrix<T>(a), b0 = matrix<T>(b);
    const kernels::MatrixRef<T> y0{static_cast<T*>(y.raw_data()), n, 1};
    const kernels::GemmEpilogue<T> epilogue{.alpha = static_cast<T>(alpha),
                                            .beta = static_cast<T>(beta)};
    if (count == 1) {
      kernels::gemm<T>(m, n, k, a0, b0, y0, epilogue);
    } else if (batch.rank() == 1) {
      kernels::gemm_batched<T>(
          count, m, n, k, a0, b0, y0,
          {.a = steps[1].strides[0], .b = steps[2].strides[0], .c = steps[0].strides[0]}, epilogue);
    } else {  // broadcast unevenly: by pointers
      std::vector<const T*> as, bs;
      std::vector<T*> ys;
      for_each_matrix(batch, steps, [&](const std::array<int64_t, 3>& offsets) {
        ys.push_back(y0.data + offsets[0]);
        as.push_back(a0.data + offsets[1]);
        bs.push_back(b0.data + offsets[2]);
      });
      kernels::gemm_batched<T>(
          count, m, n, k, a0, b0, y0,
          kernels::BatchPointers<T>{.a = as.data(), .b = bs.data(), .c = ys.data()}, epilogue);
    }
  });
}

}  // namespace bb::detail
