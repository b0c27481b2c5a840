#include "bb/core/kernels/recurrent.h"

#include <algorithm>

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/recurrent.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// formula(d, x, y) makes vectors y of vectors x, for each of n elements of the rows `in` and `out`.
// An element is computed alike wherever it lies: results do not depend on how rows are shared out.
template <class T, size_t kIn, size_t kOut, class Formula>
HWY_FLATTEN void along(int64_t n, const T* const (&in)[kIn], T* const (&out)[kOut],
                       const Formula& formula) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const T* from[kIn];
  T* to[kOut];
  std::copy(in, in + kIn, from);
  std::copy(out, out + kOut, to);
  // Whole vectors; then what is left of the rows, in vectors of its own.
  const int64_t whole = n - n % lanes;
  HWY_ALIGN T rest[kIn + kOut][HWY_MAX_BYTES / sizeof(T)];
  for (int64_t count = whole;; count = lanes) {
    for (int64_t j = 0; j < count; j += lanes) {
      hn::Vec<decltype(d)> x[kIn], y[kOut];
#pragma GCC unroll 16
      for (size_t i = 0; i < kIn; ++i) x[i] = hn::LoadU(d, from[i] + j);
      formula(d, x, y);
#pragma GCC unroll 16
      for (size_t i = 0; i < kOut; ++i) hn::StoreU(y[i], d, to[i] + j);
    }
    if (whole == n || from[0] != in[0]) break;
    for (size_t i = 0; i < kIn; ++i) {
      std::fill_n(std::copy(in[i] + whole, in[i] + n, rest[i]), lanes - (n - whole), T{0});
      from[i] = rest[i];
    }
    for (size_t i = 0; i < kOut; ++i) to[i] = rest[kIn + i];
  }
  for (size_t i = 0; i < kOut && whole != n; ++i) std::copy_n(to[i], n - whole, out[i] + whole);
}

// dy s (1 - s), s = sigmoid(x)
template <class D, class V>
V through_sigmoid(D d, V dy, V s) {
  return hn::Mul(dy, hn::Mul(s, hn::Sub(hn::Set(d, 1), s)));
}
// dy (1 - t^2), t = tanh(x)
template <class D, class V>
V through_tanh(D d, V dy, V t) {
  return hn::Mul(dy, hn::NegMulAdd(t, t, hn::Set(d, 1)));
}

template <class T>
void step(RecurrentCell cell, int64_t rows, int64_t size, const RecurrentStep<T>& s) {
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t at = row * size;
    T* const g = s.gates + at * gates_of(cell);
    switch (cell) {
      case RecurrentCell::kLstm:
        along<T>(size, {g, g + size, g + 2 * size, g + 3 * size, s.c_before + at},
                 {g, g + size, g + 2 * size, g + 3 * size, s.c + at, s.h + at},
                 [](auto d, const auto* x, auto* y) {
                   y[0] = math::Sigmoid(d, x[0]);
                   y[1] = math::Sigmoid(d, x[1]);
                   y[2] = math::Tanh(d, x[2]);
                   y[3] = math::Sigmoid(d, x[3]);
                   y[4] = hn::MulAdd(y[1], x[4], hn::Mul(y[0], y[2]));
                   y[5] = hn::Mul(y[3], math::Tanh(d, y[4]));
                 });
        break;
      case RecurrentCell::kGru: {
        const T* const b = s.hidden + 3 * at;
        along<T>(size, {g, g + size, g + 2 * size, b, b + size, b + 2 * size, s.h_before + at},
                 {g, g + size, g + 2 * size, s.candidate + at, s.h + at},
                 [](auto d, const auto* x, auto* y) {
                   y[0] = math::Sigmoid(d, hn::Add(x[0], x[3]));
                   y[1] = math::Sigmoid(d, hn::Add(x[1], x[4]));
                   y[2] = math::Tanh(d, hn::MulAdd(y[0], x[5], x[2]));
                   y[3] = x[5];
                   y[4] = hn::MulAdd(y[1], hn::Sub(x[6], y[2]), y[2]);
                 });
        break;
      }
      case RecurrentCell::kTanh:
        along<T>(size, {g}, {s.h + at},
                 [](auto d, const auto* x, auto* y) { y[0] = math::Tanh(d, x[0]); });
        break;
      case RecurrentCell::kRelu:
        along<T>(size, {g}, {s.h + at}, [](auto d, const auto* x, auto* y) {
          y[0] = hn::IfThenZeroElse(hn::Le(x[0], hn::Zero(d)), x[0]);
        });
        break;
    }
  }
}

template <class T>
void step_grad(RecurrentCell cell, int64_t rows, int64_t size, const RecurrentStepGrad<T>& s) {
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t at = row * size;
    const T* const g = s.gates + at * gates_of(cell);
    T* const dg = s.dgates + at * gates_of(cell);
    switch (cell) {
      case RecurrentCell::kLstm:
        along<T>(size,
                 {g, g + size, g + 2 * size, g + 3 * size, s.c_before + at, s.c + at, s.dy + at,
                  s.dh + at, s.dc + at},
                 {dg, dg + size, dg + 2 * size, dg + 3 * size, s.dc + at},
                 [](auto d, const auto* x, auto* y) {
                   const auto dh = hn::Add(x[6], x[7]), t = math::Tanh(d, x[5]);
                   const auto dc = hn::Add(x[8], through_tanh(d, hn::Mul(dh, x[3]), t));
                   y[0] = through_sigmoid(d, hn::Mul(dc, x[2]), x[0]);
                   y[1] = through_sigmoid(d, hn::Mul(dc, x[4]), x[1]);
                   y[2] = through_tanh(d, hn::Mul(dc, x[0]), x[2]);
                   y[3] = through_sigmoid(d, hn::Mul(dh, t), x[3]);
                   y[4] = hn::Mul(dc, x[1]);
                 });
        break;
      case RecurrentCell::kGru: {
        T* const db = s.dhidden + 3 * at;
        along<T>(
            size,
            {g, g + size, g + 2 * size, s.candidate + at, s.h_before + at, s.dy + at, s.dh + at},
            {dg, dg + size, dg + 2 * size, db, db + size, db + 2 * size, s.dh + at},
            [](auto d, const auto* x, auto* y) {
              const auto dh = hn::Add(x[5], x[6]);
              const auto keeps = hn::Mul(dh, x[1]);
              y[2] = through_tanh(d, hn::Sub(dh, keeps), x[2]);
              y[0] = y[3] = through_sigmoid(d, hn::Mul(y[2], x[3]), x[0]);
              y[1] = y[4] = through_sigmoid(d, hn::Mul(dh, hn::Sub(x[4], x[2])), x[1]);
              y[5] = hn::Mul(y[2], x[0]);
              y[6] = keeps;
            });
        break;
      }
      case RecurrentCell::kTanh:
        along<T>(size, {g, s.dy + at, s.dh + at}, {dg}, [](auto d, const auto* x, auto* y) {
          y[0] = through_tanh(d, hn::Add(x[1], x[2]), x[0]);
        });
        break;
      case RecurrentCell::kRelu:
        along<T>(size, {g, s.dy + at, s.dh + at}, {dg}, [](auto d, const auto* x, auto* y) {
          y[0] = hn::IfThenZeroElse(hn::Le(x[0], hn::Zero(d)), hn::Add(x[1], x[2]));
        });
        break;
    }
  }
}

void step_f32(RecurrentCell cell, int64_t rows, int64_t size, const RecurrentStep<float>& s) {
  step(cell, rows, size, s);
}
void step_f64(RecurrentCell cell, int64_t rows, int64_t size, const RecurrentStep<double>& s) {
  step(cell, rows, size, s);
}
void step_grad_f32(RecurrentCell cell, int64_t rows, int64_t size,
                   const RecurrentStepGrad<float>& s) {
  step_grad(cell, rows, size, s);
}
void step_grad_f64(RecurrentCell cell, int64_t rows, int64_t size,
                   const RecurrentStepGrad<double>& s) {
  step_grad(cell, rows, size, s);
}

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

template <>
void recurrent_step(RecurrentCell cell, int64_t rows, int64_t size,
                    const RecurrentStep<float>& step) {
  BB_DISPATCH(step_f32)(cell, rows, size, step);
}
template <>
void recurrent_step(RecurrentCell cell, int64_t rows, int64_t size,
                    const RecurrentStep<double>& step) {
  BB_DISPATCH(step_f64)(cell, rows, size, step);
}
template <>
void recurrent_step_grad(RecurrentCell cell, int64_t rows, int64_t size,
                         const RecurrentStepGrad<float>& step) {
  BB_DISPATCH(step_grad_f32)(cell, rows, size, step);
}
template <>
void recurrent_step_grad(RecurrentCell cell, int64_t rows, int64_t size,
                         const RecurrentStepGrad<double>& step) {
  BB_DISPATCH(step_grad_f64)(cell, rows, size, step);
}

}  // namespace bb::kernels
#endif
