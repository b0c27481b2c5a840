#include "bb/core/kernels/scan.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/scan.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

struct CumSum {
  static constexpr int kIdentity = 0;
  template <class V>
  static V join(V a, V b) {
    return hn::Add(a, b);
  }
};
struct CumProd {
  static constexpr int kIdentity = 1;
  template <class V>
  static V join(V a, V b) {
    return hn::Mul(a, b);
  }
};

// A vector's own scan, in log2(lanes) steps: each lane joins the one 1, 2, 4, ... below it. Only
// the carry from vector to vector is a chain, of one join each.
template <class F, class T>
class VectorScan {
 public:
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;

  VectorScan() {
    for (int step = 0; step < kSteps; ++step)
      for (int i = 0; i < kLanes; ++i) from_[step][i] = i >= 1 << step ? i - (1 << step) : i;
    for (TI& last : last_) last = kLanes - 1;
  }

  V operator()(V v) const {
    const D d;
    const hn::RebindToSigned<D> di;
    const auto place = hn::Iota(di, 0);
    const V identity = hn::Set(d, T{F::kIdentity});
#pragma GCC unroll 4
    for (int step = 0; step < kSteps; ++step) {
      const V below = hn::TableLookupLanes(v, hn::SetTableIndices(d, from_[step]));
      const auto has = hn::Gt(place, hn::Set(di, static_cast<TI>((1 << step) - 1)));
      v = F::join(hn::IfThenElse(hn::RebindMask(d, has), below, identity), v);
    }
    return v;
  }
  V last(V v) const {
    const D d;
    return hn::TableLookupLanes(v, hn::SetTableIndices(d, last_));
  }

 private:
  using TI = hwy::MakeSigned<T>;
  static constexpr int kLanes = HWY_LANES(T);
  static constexpr int kSteps = kLanes >= 16 ? 4 : kLanes >= 8 ? 3 : kLanes >= 4 ? 2 : kLanes / 2;
  HWY_ALIGN TI from_[kSteps + 1][kLanes];
  HWY_ALIGN TI last_[kLanes];
};

template <class F, bool kReversed, class T>
void scan_rows(const Lines& lines) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t n = lines.n;
  const VectorScan<F, T> scan;
  for (int64_t r = 0; r < lines.count; ++r) {
    const T* x = reinterpret_cast<const T*>(lines.x[0] + r * lines.x_step[0]);
    T* y = reinterpret_cast<T*>(lines.y + r * lines.y_step);
    auto carry = hn::Set(d, T{F::kIdentity});
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      const int64_t at = kReversed ? n - i - lanes : i;
      auto v = hn::LoadU(d, x + at);
      if (kReversed) v = hn::Reverse(d, v);
      v = scan(v);
      const auto result = F::join(carry, v);
      hn::StoreU(kReversed ? hn::Reverse(d, result) : result, d, y + at);
      carry = F::join(carry, scan.last(v));
    }
    auto rest = hn::Set(one, hn::GetLane(carry));
    for (; i < n; ++i) {
      const int64_t at = kReversed ? n - 1 - i : i;
      rest = F::join(rest, hn::Set(one, x[at]));
      y[at] = hn::GetLane(rest);
    }
  }
}

template <class F, bool kReversed, class T>
void scan_columns(const Lines& lines) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN T sums[kColumns];
  for (T& sum : sums) sum = T{F::kIdentity};
  for (int64_t i = 0; i < lines.n; ++i) {
    const int64_t at = kReversed ? lines.n - 1 - i : i;
    const T* x = reinterpret_cast<const T*>(lines.x[0] + at * lines.x_step[0]);
    T* y = reinterpret_cast<T*>(lines.y + at * lines.y_step);
    const auto run = [&](auto tag, int64_t j) HWY_ATTR {
      const auto sum = F::join(hn::LoadU(tag, sums + j), hn::LoadU(tag, x + j));
      hn::StoreU(sum, tag, sums + j);
      hn::StoreU(sum, tag, y + j);
    };
    int64_t j = 0;
    for (; j + lanes <= lines.count; j += lanes) run(d, j);
    for (; j < lines.count; ++j) run(hn::CappedTag<T, 1>(), j);
  }
}

template <class F, bool kReversed>
LineOp scan() {
  LineOp op;
  const auto set = [&op]<class T>(DType dtype, T) {
    op.rows[static_cast<size_t>(dtype)] = scan_rows<F, kReversed, T>;
    op.columns[static_cast<size_t>(dtype)] = scan_columns<F, kReversed, T>;
  };
  set(kFloat32, float());
  set(kFloat64, double());
  set(kInt64, int64_t());
  op.cost_ns = 0.15;
  return op;
}

// Steps of a recurrence, in the order of the line: each element from the one before it.
template <class D, class V, class T>
HWY_INLINE V recur(D d, V before, const T* a, const T* b) {
  return hn::MulAdd(hn::LoadU(d, a), before, hn::LoadU(d, b));
}

template <bool kReversed, class T>
void recurrence_rows(const Lines& lines) {
  const hn::CappedTag<T, 1> one;
  const int64_t n = lines.n;
  for (int64_t r = 0; r < lines.count; ++r) {
    const T* a = reinterpret_cast<const T*>(lines.x[0] + r * lines.x_step[0]);
    const T* b = reinterpret_cast<const T*>(lines.x[1] + r * lines.x_step[1]);
    T* y = reinterpret_cast<T*>(lines.y + r * lines.y_step);
    auto before = hn::Zero(one);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = kReversed ? n - 1 - i : i;
      before = i == 0 ? hn::LoadU(one, b + at) : recur(one, before, a + at, b + at);
      hn::StoreU(before, one, y + at);
    }
  }
}

template <bool kReversed, class T>
void recurrence_columns(const Lines& lines) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN T last[kColumns];
  for (int64_t i = 0; i < lines.n; ++i) {
    const int64_t at = kReversed ? lines.n - 1 - i : i;
    const T* a = reinterpret_cast<const T*>(lines.x[0] + at * lines.x_step[0]);
    const T* b = reinterpret_cast<const T*>(lines.x[1] + at * lines.x_step[1]);
    T* y = reinterpret_cast<T*>(lines.y + at * lines.y_step);
    const auto run = [&](auto tag, int64_t j) HWY_ATTR {
      const auto result =
          i == 0 ? hn::LoadU(tag, b + j) : recur(tag, hn::LoadU(tag, last + j), a + j, b + j);
      hn::StoreU(result, tag, last + j);
      hn::StoreU(result, tag, y + j);
    };
    int64_t j = 0;
    for (; j + lanes <= lines.count; j += lanes) run(d, j);
    for (; j < lines.count; ++j) run(hn::CappedTag<T, 1>(), j);
  }
}

template <bool kReversed>
LineOp recurrence() {
  LineOp op;
  const auto set = [&op]<class T>(DType dtype, T) {
    op.rows[static_cast<size_t>(dtype)] = recurrence_rows<kReversed, T>;
    op.columns[static_cast<size_t>(dtype)] = recurrence_columns<kReversed, T>;
  };
  set(kFloat32, float());
  set(kFloat64, double());
  op.cost_ns = 2;
  return op;
}

ScanTable make_table() {
  return {scan<CumSum, false>(), scan<CumSum, true>(), scan<CumProd, false>(),
          scan<CumProd, true>(), recurrence<false>(),  recurrence<true>()};
}

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

const ScanTable& scans() {
  static const ScanTable table = BB_DISPATCH(make_table)();
  return table;
}

}  // namespace bb::kernels
#endif
