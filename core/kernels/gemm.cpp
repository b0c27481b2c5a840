#include "bb/core/kernels/gemm.h"

#include <algorithm>

#include "bb/core/kernels/blis.h"
#include "bb/core/kernels/gemm_tile.h"
#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

enum class Engine { kTile, kDot, kBlis };

/// A product as an engine gets it: perhaps transposed, so that vectors lie along the better side.
template <typename T>
struct Product {
  int64_t m, n, k;
  MatrixRef<const T> a, b;
  MatrixRef<T> c;
  TileEpilogue<T> epilogue;
  Engine engine;

  Product transposed() const {
    Product t{n, m, k, b.transposed(), a.transposed(), c.transposed(), epilogue, engine};
    std::swap(t.epilogue.col_bias, t.epilogue.row_bias);
    return t;
  }
  Product block(int64_t i, int64_t j, int64_t rows, int64_t cols) const {
    Product part{rows, cols, k, a.block(i, 0), b.block(0, j), c.block(i, j), epilogue, engine};
    if (part.epilogue.row_bias) part.epilogue.row_bias += i;
    if (part.epilogue.col_bias) part.epilogue.col_bias += j;
    return part;
  }
};

template <typename T>
T activate(T x, Activation activation) {
  return activation == Activation::kRelu && x < 0 ? T{0} : x;
}

/// c = activation(scale * c + biases); scale 0 does not read c.
template <typename T>
void finish(const Product<T>& p, T scale) {
  for (int64_t i = 0; i < p.m; ++i) {
    const T row_bias = p.epilogue.row_bias ? p.epilogue.row_bias[i] : T{0};
    for (int64_t j = 0; j < p.n; ++j) {
      T x = scale == 0 ? T{0} : scale * *p.c.at(i, j);
      x += row_bias;
      if (p.epilogue.col_bias) x += p.epilogue.col_bias[j];
      *p.c.at(i, j) = activate(x, p.epilogue.activation);
    }
  }
}

/// The time of an engine for a product in vector multiply-adds: the arithmetic, idle lanes
/// included, and what is copied or summed besides. The factors are measured, on a Zen 4 with
/// AVX-512.
template <typename T>
double tile_cost(const Product<T>& p) {
  const double m = static_cast<double>(p.m), n = static_cast<double>(p.n),
               k = static_cast<double>(p.k);
  const int64_t vecs = (p.n + tile_lanes<T>() - 1) / tile_lanes<T>();
  const double arithmetic = static_cast<double>(vecs) * m * k * (vecs == 1 ? 1.15 : 1.0);
  const double pack = p.b.col_stride == 1 ? 0 : (p.b.row_stride == 1 ? 0.33 : 2.0) * n * k;
  const double store = p.c.col_stride == 1 ? 0 : 1.1 * m * n;
  return arithmetic + pack + store;
}
template <typename T>
double dot_cost(const Product<T>& p) {
  const double steps = static_cast<double>((p.k + tile_lanes<T>() - 1) / tile_lanes<T>());
  return static_cast<double>(p.m) * static_cast<double>(p.n) * (1.1 * steps + 8);
}

/// Whether BLIS beats the tile. With vectors of 64 bytes it did at no size (Zen 4: at best equal
/// from 1024^3 on, in float64); with 32, from 256 x 768 x 768 on, where its packing of both
/// operands pays.
template <typename T>
bool prefers_blis(const Product<T>& p) {
  const int64_t lanes = tile_lanes<T>();
  return lanes == 0 || (lanes * sizeof(T) < 64 && std::min({p.m, p.n, p.k}) >= 256);
}

/// Chooses engine and orientation, from shape and strides alone.
template <typename T>
Product<T> plan(const Product<T>& p) {
  if (prefers_blis(p)) return p;
  const Product<T> turned = p.transposed();
  double least = tile_cost(p);
  Product<T> best = p;
  best.engine = Engine::kTile;
  if (const double cost = tile_cost(turned); cost < least) {
    least = cost;
    best = turned;
    best.engine = Engine::kTile;
  }
  if (p.a.col_stride == 1 && p.b.row_stride == 1 && dot_cost(p) < least) {
    best = p.m <= p.n ? p : turned;
    best.engine = Engine::kDot;
  }
  return best;
}

/// One block, on the calling thread.
template <typename T>
void run(const Product<T>& p) {
  if (p.engine == Engine::kTile) {
    return tile_gemm(p.m, p.n, p.k, p.a, p.b, p.c, p.epilogue);
  }
  if (p.engine == Engine::kDot) {
    return dot_gemm(p.m, p.n, p.k, p.a, p.b, p.c, p.epilogue);
  }
  blis_gemm(p.m, p.n, p.k, p.epilogue.alpha, p.a, p.b, p.epilogue.beta, p.c);
  if (p.epilogue.col_bias || p.epilogue.row_bias || p.epilogue.activation != Activation::kNone)
    finish(p, T{1});
}

/// Nanoseconds on one core, for the choice of threads.
template <typename T>
double estimated_ns(int64_t m, int64_t n, int64_t k) {
  constexpr double kFlopsPerNs = sizeof(T) == 4 ? 100 : 50;
  return 2.0 * m * n * k / kFlopsPerNs + 0.1 * m * n;
}

/// Cuts C into a grid of about equal blocks, one for each thread that pays.
template <typename T>
void run_parallel(const Product<T>& p) {
  const int64_t lanes = tile_lanes<T>();
  const int64_t row_align = p.engine == Engine::kBlis ? blis_align<T>() : 4;
  const int64_t col_align = p.engine == Engine::kBlis ? blis_align<T>() : lanes;
  const int64_t row_steps = (p.m + row_align - 1) / row_align;
  const int64_t col_steps = (p.n + col_align - 1) / col_align;
  const double total_ns = estimated_ns<T>(p.m, p.n, p.k);
  const int threads =
      threads_for(row_steps * col_steps, total_ns / static_cast<double>(row_steps * col_steps));
  if (threads == 1) return run(p);

  // The grid whose largest block takes least time.
  int64_t grid_rows = 1, grid_cols = 1;
  double least = 0;
  for (int64_t rows = 1; rows <= std::min<int64_t>(threads, row_steps); ++rows) {
    const int64_t cols = std::min<int64_t>(threads / rows, col_steps);
    const int64_t block_m = (row_steps + rows - 1) / rows * row_align;
    const int64_t block_n = (col_steps + cols - 1) / cols * col_align;
    const double time =
        static_cast<double>(block_m * block_n) + 4.0 * static_cast<double>(block_m + block_n);
    if (least == 0 || time < least) {
      least = time;
      grid_rows = rows;
      grid_cols = cols;
    }
  }
  const auto edge = [](int64_t index, int64_t count, int64_t steps, int64_t align, int64_t size) {
    return std::min(size, steps * index / count * align);
  };
  const int64_t blocks = grid_rows * grid_cols;
  parallel_for(blocks, total_ns / static_cast<double>(blocks), [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t row = block / grid_cols;
      const int64_t col = block % grid_cols;
      const int64_t i = edge(row, grid_rows, row_steps, row_align, p.m);
      const int64_t j = edge(col, grid_cols, col_steps, col_align, p.n);
      run(p.block(i, j, edge(row + 1, grid_rows, row_steps, row_align, p.m) - i,
                  edge(col + 1, grid_cols, col_steps, col_align, p.n) - j));
    }
  });
}

template <typename T>
Product<T> product(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
                   MatrixRef<T> c, const GemmEpilogue<T>& e) {
  return {m, n, k, a, b, c, {e.alpha, e.beta, e.bias, nullptr, e.activation}, Engine::kBlis};
}

}  // namespace

template <typename T>
void gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
          MatrixRef<T> c, const GemmEpilogue<T>& epilogue) {
  if (m <= 0 || n <= 0) return;
  const Product<T> p = product(m, n, k, a, b, c, epilogue);
  if (k <= 0 || epilogue.alpha == 0) return finish(p, epilogue.beta);
  run_parallel(plan(p));
}

template <typename T>
void gemm_batched(int64_t batch, int64_t m, int64_t n, int64_t k, MatrixRef<const T> a,
                  MatrixRef<const T> b, MatrixRef<T> c, const BatchStrides& strides,
                  const GemmEpilogue<T>& epilogue) {
  if (batch <= 0 || m <= 0 || n <= 0) return;
  const bool product_is_zero = k <= 0 || epilogue.alpha == 0;
  const Product<T> first = product(m, n, k, a, b, c, epilogue);
  const auto at = [&](int64_t i) {
    Product<T> p = first;
    p.a.data += i * strides.a;
    p.b.data += i * strides.b;
    p.c.data += i * strides.c;
    if (p.epilogue.col_bias) p.epilogue.col_bias += i * strides.bias;
    return p;
  };
  const double one_ns = estimated_ns<T>(m, n, k);
  // Threads share each product only where there are fewer products than threads.
  if (batch < num_threads() && !product_is_zero) {
    for (int64_t i = 0; i < batch; ++i) run_parallel(plan(at(i)));
    return;
  }
  parallel_for(batch, one_ns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (product_is_zero) {
        finish(at(i), epilogue.beta);
      } else {
        run(plan(at(i)));
      }
    }
  });
}

template void gemm(int64_t, int64_t, int64_t, MatrixRef<const float>, MatrixRef<const float>,
                   MatrixRef<float>, const GemmEpilogue<float>&);
template void gemm(int64_t, int64_t, int64_t, MatrixRef<const double>, MatrixRef<const double>,
                   MatrixRef<double>, const GemmEpilogue<double>&);
template void gemm_batched(int64_t, int64_t, int64_t, int64_t, MatrixRef<const float>,
                           MatrixRef<const float>, MatrixRef<float>, const BatchStrides&,
                           const GemmEpilogue<float>&);
template void gemm_batched(int64_t, int64_t, int64_t, int64_t, MatrixRef<const double>,
                           MatrixRef<const double>, MatrixRef<double>, const BatchStrides&,
                           const GemmEpilogue<double>&);

}  // namespace bb::kernels
