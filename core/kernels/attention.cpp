#include "bb/core/kernels/attention.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

#include "bb/core/kernels/block.h"
#include "bb/core/kernels/gemm.h"
#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/attention.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/softmax_exp-inl.h"

// Tiles of scores are transposed, [keys, queries]: vectors lie along the queries, so that the
// softmax of each takes no step across a vector, and both k and v are read as they lie.
#ifndef BB_CORE_KERNELS_ATTENTION_TILE_
#define BB_CORE_KERNELS_ATTENTION_TILE_
namespace bb::kernels {
namespace {

constexpr int64_t kQueries = 64, kKeys = 128;  // of a tile at most

template <class T>
struct Tile {
  int64_t keys, queries;
  int64_t row;  // elements from key to key: queries in whole vectors
  T* scores;
};

// Numbers for each query of a tile.
template <class T>
struct OnlineSoftmax {
  T most[kQueries], sum[kQueries];
  T factor[kQueries];  // what earlier sums are to be multiplied by
};
template <class T>
struct RowTerms {
  T most[kQueries], inverse[kQueries];  // of Softmax
  T dot[kQueries];                      // sum over the keys of w dw
};

template <class T>
struct Passes {
  void (*advance)(const Tile<T>&, OnlineSoftmax<T>&);
  void (*differentiate)(const Tile<T>&, T* dw, const RowTerms<T>&, T scale);
  void (*multiply_row)(int64_t n, T factor, T* y);
  T (*dot_rows)(int64_t n, const T* x, const T* y);
};

}  // namespace
}  // namespace bb::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// The sum of x[i] y[i]; its order follows from n alone.
template <class T>
T dot(int64_t n, const T* x, const T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    sum = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), sum);
  T result = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i) result += x[i] * y[i];
  return result;
}

// Scores become exp(score - most), added to the sums; most is of all tiles so far.
template <class T>
void advance(const Tile<T>& tile, OnlineSoftmax<T>& s) {
  const hn::ScalableTag<T> d;
  const auto none = hn::Set(d, -std::numeric_limits<T>::infinity());
  for (int64_t i = 0; i < tile.queries; i += static_cast<int64_t>(hn::Lanes(d))) {
    T* const column = tile.scores + i;
    const int64_t end = tile.keys * tile.row;
    const auto before = hn::LoadU(d, s.most + i);
    // A NaN may be passed over: it shows in exp.
    auto most = before, other = before;
    int64_t at = 0;
    for (; at + tile.row < end; at += 2 * tile.row) {
      most = hn::Max(most, hn::LoadU(d, column + at));
      other = hn::Max(other, hn::LoadU(d, column + at + tile.row));
    }
    if (at < end) most = hn::Max(most, hn::LoadU(d, column + at));
    most = hn::Max(most, other);
    hn::StoreU(most, d, s.most + i);
    const auto shift = hn::IfThenZeroElse(hn::Eq(most, none), most);  // -inf - -inf is NaN
    const auto factor = exp_not_positive(d, hn::Sub(before, shift));
    auto sum = hn::Zero(d);
    for (at = 0; at < end; at += tile.row) {
      const auto e = exp_not_positive(d, hn::Sub(hn::LoadU(d, column + at), shift));
      hn::StoreU(e, d, column + at);
      sum = hn::Add(sum, e);
    }
    hn::StoreU(factor, d, s.factor + i);
    hn::StoreU(hn::MulAdd(hn::LoadU(d, s.sum + i), factor, sum), d, s.sum + i);
  }
}

// Scores become the weights w, gradients of weights those of the products that the scores are
// `scale` times of: scale w (dw - dot).
template <class T>
void differentiate(const Tile<T>& tile, T* dw, const RowTerms<T>& s, T scale) {
  const hn::ScalableTag<T> d;
  const auto times = hn::Set(d, scale);
  for (int64_t i = 0; i < tile.queries; i += static_cast<int64_t>(hn::Lanes(d))) {
    const auto most = hn::LoadU(d, s.most + i), inverse = hn::LoadU(d, s.inverse + i);
    const auto dot = hn::LoadU(d, s.dot + i);
    for (int64_t at = i; at < i + tile.keys * tile.row; at += tile.row) {
      const auto e = exp_not_positive(d, hn::Sub(hn::LoadU(d, tile.scores + at), most));
      const auto w = hn::Mul(e, inverse);
      hn::StoreU(w, d, tile.scores + at);
      const auto slope = hn::Mul(hn::Mul(w, times), hn::Sub(hn::LoadU(d, dw + at), dot));
      hn::StoreU(slope, d, dw + at);
    }
  }
}

template <class T>
void multiply_row(int64_t n, T factor, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto times = hn::Set(d, factor);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, y + i), times), d, y + i);
  for (; i < n; ++i) y[i] *= factor;
}

Passes<float> passes_f32() {
  return {advance<float>, differentiate<float>, multiply_row<float>, dot<float>};
}
Passes<double> passes_f64() {
  return {advance<double>, differentiate<double>, multiply_row<double>, dot<double>};
}

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

auto passes(float) { return BB_DISPATCH(passes_f32)(); }
auto passes(double) { return BB_DISPATCH(passes_f64)(); }

template <class T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();

// Queries of a strip. The diagonal cuts what a strip sees into fewer vain scores where it is low; a
// high one fills the registers of the products better.
template <class T>
int64_t height_of(const Attention<T>& a) {
  return a.sight == Sight::kCausal && a.queries <= 256 ? kQueries / 2 : kQueries;
}

// The queries from `query` on of a head, with tiles of its keys.
template <class T>
struct Strip {
  const Attention<T>& a;
  int64_t head, query, queries;

  Strip(const Attention<T>& of, int64_t head_, int64_t number)
      : a(of),
        head(head_),
        query(number * height_of(of)),
        queries(std::min(height_of(of), of.queries - query)) {}

  // Keys that none of the queries sees are left out where that is known.
  int64_t keys() const {
    return a.sight == Sight::kCausal ? std::min(a.keys, query + queries) : a.keys;
  }
  Tile<T> tile(int64_t key, T* memory) const {
    constexpr int64_t kVector = 64 / sizeof(T);
    return {std::min(kKeys, keys() - key), queries, ceil_div(queries, kVector) * kVector, memory};
  }

  // x y^T as a tile, of the rows x of its keys and y of the queries.
  void product(const Tile<T>& tile, int64_t key, int64_t depth, T scale, const HeadRows<const T>& x,
               const HeadRows<const T>& y) const {
    if (tile.row > tile.queries)
      for (int64_t j = 0; j < tile.keys; ++j)
        std::fill(tile.scores + j * tile.row + tile.queries, tile.scores + (j + 1) * tile.row,
                  T(0));
    gemm<T>(tile.keys, tile.queries, depth, {x.row(head, key), x.row_stride, 1},
            {y.row(head, query), 1, y.row_stride}, {tile.scores, tile.row, 1}, {.alpha = scale});
  }

  void scores(const Tile<T>& tile, int64_t key) const {
    product(tile, key, a.width, a.scale, a.k, a.q);
    if (a.sight == Sight::kCausal)
      for (int64_t j = 0; j < tile.keys; ++j) {
        const int64_t unseen = std::clamp(key + j - query, int64_t{0}, queries);
        std::fill_n(tile.scores + j * tile.row, unseen, -kInfinity<T>);
      }
    if (a.sight == Sight::kMask)
      each_masked<bool>(tile, key, [](T& score, bool seen) {
        // By bits: a branch would be guessed wrong wherever a mask has no pattern.
        using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
        const Bits keep = Bits(0) - Bits(seen);
        const Bits unseen = std::bit_cast<Bits>(-kInfinity<T>) & ~keep;
        score = std::bit_cast<T>((std::bit_cast<Bits>(score) & keep) | unseen);
      });
    if (a.sight == Sight::kAdded)
      each_masked<T>(tile, key, [](T& score, T added) { score += added; });
  }

 private:
  template <class M, class F>
  void each_masked(const Tile<T>& tile, int64_t key, const F& f) const {
    const M* mask = static_cast<const M*>(a.mask) + a.mask_offsets[head] + query * a.mask_row +
                    key * a.mask_col;
    constexpr int64_t kStep = 16;  // by blocks: a mask mostly lies across the tile
    for (int64_t j = 0; j < tile.keys; j += kStep)
      for (int64_t i = 0; i < tile.queries; i += kStep)
        for (int64_t u = i; u < std::min(i + kStep, tile.queries); ++u)
          for (int64_t w = j; w < std::min(j + kStep, tile.keys); ++w)
            f(tile.scores[w * tile.row + u], mask[u * a.mask_row + w * a.mask_col]);
  }
};

// Of all tiles' products, in nanoseconds: `products` of them for each tile.
template <class T>
double cost_of(const Attention<T>& a, int64_t queries, double products) {
  const double scores = static_cast<double>(queries) * static_cast<double>(a.keys) *
                        (a.sight == Sight::kCausal ? 0.5 : 1);
  const auto depth = static_cast<double>(a.width + a.value_width);
  return scores * (products * depth * (sizeof(T) / 400.0) + 1);
}

template <class T>
class Backward {
 public:
  Backward(const Attention<T>& a, HeadRows<const T> y, Softmax<const T> softmax,
           HeadRows<const T> dy, HeadRows<T> dq, HeadRows<T> dk, HeadRows<T> dv)
      : a_(a), y_(y), softmax_(softmax), dy_(dy), dq_(dq), dk_(dk), dv_(dv), do_(passes(T())) {}

  // Each gradient is summed in the order of its tiles, however the work is shared: a head at a
  // time where that keeps the threads busy; else by queries for dq and by keys for dk and dv, with
  // all that these need formed twice.
  void run() const {
    const int64_t strips = ceil_div(a_.queries, height_of(a_)), blocks = ceil_div(a_.keys, kKeys);
    const int64_t threads = num_threads(), rounds = ceil_div(a_.heads, threads);
    const bool both = dq_.data && (dk_.data || dv_.data);
    if (both && 5 * rounds * threads <= 7 * a_.heads) {
      share(1, 2.5, [&](int64_t head, int64_t, T* memory) {
        run(head, 0, strips, 0, blocks, {true, true}, memory);
      });
      return;
    }
    if (dk_.data || dv_.data)
      share(blocks, 2, [&](int64_t head, int64_t block, T* memory) {
        run(head, 0, strips, block, block + 1, {false, true}, memory);
      });
    if (dq_.data)
      share(strips, 1.5, [&](int64_t head, int64_t strip, T* memory) {
        run(head, strip, strip + 1, 0, blocks, {true, false}, memory);
      });
  }

 private:
  struct Wanted {
    bool by_query, by_key;
  };

  template <class F>
  void share(int64_t parts, double products, const F& f) const {
    const double cost = cost_of(a_, a_.queries, products) / static_cast<double>(parts);
    parallel_for(a_.heads * parts, cost, [&](int64_t begin, int64_t end) {
      const Block<T> memory(2 * kKeys * kQueries);
      for (int64_t i = begin; i < end; ++i) f(i / parts, i % parts, memory.data());
    });
  }

  void run(int64_t head, int64_t strip, int64_t strips, int64_t block, int64_t blocks,
           Wanted wanted, T* memory) const {
    const int64_t end = std::min(blocks * kKeys, a_.keys);
    if (wanted.by_key && dk_.data) clear(dk_, head, block * kKeys, end, a_.width);
    if (wanted.by_key && dv_.data) clear(dv_, head, block * kKeys, end, a_.value_width);
    for (; strip < strips; ++strip) {
      const Strip<T> s(a_, head, strip);
      RowTerms<T> terms = {};
      const int64_t first = head * a_.queries + s.query;
      std::copy_n(softmax_.most + first, s.queries, terms.most);
      std::copy_n(softmax_.inverse + first, s.queries, terms.inverse);
      for (int64_t i = 0; i < s.queries; ++i)
        terms.dot[i] =
            do_.dot_rows(a_.value_width, y_.row(head, s.query + i), dy_.row(head, s.query + i));
      if (wanted.by_query) clear(dq_, head, s.query, s.query + s.queries, a_.width);
      for (int64_t key = block * kKeys; key < std::min(end, s.keys()); key += kKeys)
        run_tile(s, key, terms, wanted, memory);
    }
  }

  void run_tile(const Strip<T>& s, int64_t key, const RowTerms<T>& terms, Wanted wanted,
                T* memory) const {
    const int64_t head = s.head;
    const Tile<T> weights = s.tile(key, memory);
    Tile<T> slopes = weights;
    slopes.scores += kKeys * kQueries;
    s.scores(weights, key);
    s.product(slopes, key, a_.value_width, T(1), a_.v, dy_);
    do_.differentiate(weights, slopes.scores, terms, a_.scale);
    const auto by_key = [&](const Tile<T>& tile, const HeadRows<T>& sums, int64_t columns,
                            const HeadRows<const T>& rows) {
      gemm<T>(tile.keys, columns, tile.queries, {tile.scores, tile.row, 1},
              {rows.row(head, s.query), rows.row_stride, 1},
              {sums.row(head, key), sums.row_stride, 1}, {.beta = 1});
    };
    if (wanted.by_key && dv_.data) by_key(weights, dv_, a_.value_width, dy_);
    if (wanted.by_key && dk_.data) by_key(slopes, dk_, a_.width, a_.q);
    if (wanted.by_query)
      gemm<T>(slopes.queries, a_.width, slopes.keys, {slopes.scores, 1, slopes.row},
              {a_.k.row(head, key), a_.k.row_stride, 1},
              {dq_.row(head, s.query), dq_.row_stride, 1}, {.beta = 1});
  }

  static void clear(const HeadRows<T>& rows, int64_t head, int64_t begin, int64_t end,
                    int64_t columns) {
    for (int64_t i = begin; i < end; ++i) std::fill_n(rows.row(head, i), columns, T(0));
  }

  const Attention<T>& a_;
  const HeadRows<const T> y_;
  const Softmax<const T> softmax_;
  const HeadRows<const T> dy_;
  const HeadRows<T> dq_, dk_, dv_;
  const Passes<T> do_;
};

}  // namespace

template <class T>
void attention(const Attention<T>& a, HeadRows<T> y, Softmax<T> softmax) {
  const int64_t strips = ceil_div(a.queries, height_of(a));
  const Passes<T> run = passes(T());
  const bool may_see_none = a.keys == 0 || a.sight == Sight::kMask || a.sight == Sight::kAdded;
  parallel_for(a.heads * strips, cost_of(a, height_of(a), 1), [&](int64_t begin, int64_t end) {
    const Block<T> memory(kKeys * kQueries);
    for (int64_t item = begin; item < end; ++item) {
      const Strip<T> s(a, item / strips, item % strips);
      OnlineSoftmax<T> online;
      std::fill_n(online.most, kQueries, -kInfinity<T>);
      std::fill_n(online.sum, kQueries, T(0));
      for (int64_t key = 0; key < s.keys(); key += kKeys) {
        const Tile<T> tile = s.tile(key, memory.data());
        s.scores(tile, key);
        run.advance(tile, online);
        for (int64_t i = 0; key > 0 && i < s.queries; ++i)
          if (online.factor[i] != 1)
            run.multiply_row(a.value_width, online.factor[i], y.row(s.head, s.query + i));
        gemm<T>(s.queries, a.value_width, tile.keys, {tile.scores, 1, tile.row},
                {a.v.row(s.head, key), a.v.row_stride, 1},
                {y.row(s.head, s.query), y.row_stride, 1}, {.beta = T(key > 0)});
      }
      for (int64_t i = 0; i < s.queries; ++i) {
        // Where nothing is hidden, scores that are all -inf give NaN, as in softmax().
        const T sum = online.sum[i];
        const bool sees_none = sum == 0 && may_see_none;
        const T inverse = sees_none ? 0 : 1 / sum;
        T* const row = y.row(s.head, s.query + i);
        if (sees_none)
          std::fill_n(row, a.value_width, T(0));
        else
          run.multiply_row(a.value_width, inverse, row);
        const int64_t at = s.head * a.queries + s.query + i;
        softmax.most[at] = sees_none ? 0 : online.most[i];
        softmax.inverse[at] = inverse;
      }
    }
  });
}

template <class T>
void attention_grad(const Attention<T>& a, HeadRows<const T> y, Softmax<const T> softmax,
                    HeadRows<const T> dy, HeadRows<T> dq, HeadRows<T> dk, HeadRows<T> dv) {
  Backward<T>(a, y, softmax, dy, dq, dk, dv).run();
}

template void attention(const Attention<float>&, HeadRows<float>, Softmax<float>);
template void attention(const Attention<double>&, HeadRows<double>, Softmax<double>);
template void attention_grad(const Attention<float>&, HeadRows<const float>, Softmax<const float>,
                             HeadRows<const float>, HeadRows<float>, HeadRows<float>,
                             HeadRows<float>);
template void attention_grad(const Attention<double>&, HeadRows<const double>,
                             Softmax<const double>, HeadRows<const double>, HeadRows<double>,
                             HeadRows<double>, HeadRows<double>);

}  // namespace bb::kernels
#endif
