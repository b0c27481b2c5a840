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
  const double arithmetic = static_cast<double>(vecs) * m * k * (vecs == 1 ? 1.05 : 1.0);
  const double pack = p.b.col_stride == 1 ? 0 : (p.b.row_stride == 1 ? 0.33 : 2.0) * n * k;
  // Transposed into a C that lies in the L3, each line is touched again and again.
  const bool near_c = p.m * p.n * static_cast<int64_t>(sizeof(T)) <= 256 * 1024;
  const double store = p.c.col_stride == 1 ? 0 : (near_c ? 0.4 : 3.0) * m * n;
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

/// How C is cut into blocks, and how many.
struct Grid {
  int64_t rows, cols;
};

/// The grid that is done first. Time counts in multiply-adds for each k: a block's own, what is
/// copied for its rows and columns, and the wait for the thread that takes the last block.
Grid choose_grid(int64_t row_steps, int64_t row_align, int64_t col_steps, int64_t col_align,
                 int64_t most, int threads) {
  constexpr double kCopy = 5;
  constexpr double kWait = 0.3;  // of a block's time
  Grid best{1, 1};
  double least = 0;
  for (int64_t rows = 1; rows <= std::min(most, row_steps); ++rows) {
    for (int64_t cols = 1; cols <= std::min(most / rows, col_steps); ++cols) {
      const double block_m = static_cast<double>((row_steps + rows - 1) / rows * row_align);
      const double block_n = static_cast<double>((col_steps + cols - 1) / cols * col_align);
      const double block = block_m * block_n + kCopy * (block_m + block_n);
      const int64_t rounds = (rows * cols + threads - 1) / threads;
      const double time = block * (static_cast<double>(rounds) + kWait);
      if (least == 0 || time < least) {
        least = time;
        best = {rows, cols};
      }
    }
  }
  return best;
}

/// Cuts C into blocks that the threads take as they come to it, if more than one thread pays.
template <typename T>
void run_parallel(const Product<T>& p) {
  constexpr double kLeastBlockNs = 20'000;
  // Cut finely, a late thread leaves blocks to others; a large product gains more from packing each
  // operand once (1024^3 on two threads: .77 of the peak in eight blocks, .86 in two).
  constexpr double kLargeNs = 10'000'000;
  const int64_t row_align = p.engine == Engine::kBlis ? blis_align<T>() : 4;
  const int64_t col_align = p.engine == Engine::kBlis ? blis_align<T>() : tile_lanes<T>();
  const int64_t row_steps = (p.m + row_align - 1) / row_align;
  const int64_t col_steps = (p.n + col_align - 1) / col_align;
  const double total_ns = estimated_ns<T>(p.m, p.n, p.k);
  const int64_t blocks_per_thread = total_ns < kLargeNs ? 4 : 1;
  const int threads =
      threads_for(row_steps * col_steps, total_ns / static_cast<double>(row_steps * col_steps));
  if (threads == 1) return run(p);

  const int64_t most = std::clamp(static_cast<int64_t>(total_ns / kLeastBlockNs), int64_t{threads},
                                  blocks_per_thread * threads);
  const Grid grid = choose_grid(row_steps, row_align, col_steps, col_align, most, threads);
  const auto edge = [](int64_t index, int64_t count, int64_t steps, int64_t align, int64_t size) {
    return std::min(size, steps * index / count * align);
  };
  const int64_t blocks = grid.rows * grid.cols;
  parallel_for(blocks, total_ns / static_cast<double>(blocks), [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t row = block / grid.cols;
      const int64_t col = block % grid.cols;
      const int64_t i = edge(row, grid.rows, row_steps, row_align, p.m);
      const int64_t j = edge(col, grid.cols, col_steps, col_align, p.n);
      run(p.block(i, j, edge(row + 1, grid.rows, row_steps, row_align, p.m) - i,
                  edge(col + 1, grid.cols, col_steps, col_align, p.n) - j));
    }
  });
}

template <typename T>
Product<T> product(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
                   MatrixRef<T> c, const GemmEpilogue<T>& e) {
  return {m, n, k, a, b, c, {e.alpha, e.beta, e.bias, nullptr, e.activation}, Engine::kBlis};
}

/// One product for each i in [0, batch): at(i).
template <typename T, class At>
void run_batch(int64_t batch, const Product<T>& shape, const At& at) {
  if (batch <= 0 || shape.m <= 0 || shape.n <= 0) return;
  const bool product_is_zero = shape.k <= 0 || shape.epilogue.alpha == 0;
  const double one_ns = estimated_ns<T>(shape.m, shape.n, shape.k);
  // Threads share each product where there are too few products to share evenly.
  constexpr double kLargeNs = 200'000;
  const int threads = num_threads();
  if (!product_is_zero && (batch < threads || (batch < 8 * threads && one_ns > kLargeNs))) {
    for (int64_t i = 0; i < batch; ++i) run_parallel(plan(at(i)));
    return;
  }
  parallel_for(batch, one_ns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (product_is_zero) {
        finish(at(i), shape.epilogue.beta);
      } else {
        run(plan(at(i)));
      }
    }
  });
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
  const Product<T> first = product(m, n, k, a, b, c, epilogue);
  run_batch(batch, first, [&](int64_t i) {
    Product<T> p = first;
    p.a.data += i * strides.a;
    p.b.data += i * strides.b;
    p.c.data += i * strides.c;
    if (p.epilogue.col_bias) p.epilogue.col_bias += i * strides.bias;
    return p;
  });
}

template <typename T>
void gemm_batched(int64_t batch, int64_t m, int64_t n, int64_t k, MatrixRef<const T> a,
                  MatrixRef<const T> b, MatrixRef<T> c, const BatchPointers<T>& pointers,
                  const GemmEpilogue<T>& epilogue) {
  const Product<T> shape = product(m, n, k, a, b, c, epilogue);
  run_batch(batch, shape, [&](int64_t i) {
    Product<T> p = shape;
    p.a.data = pointers.a[i];
    p.b.data = pointers.b[i];
    p.c.data = pointers.c[i];
    if (pointers.bias) p.epilogue.col_bias = pointers.bias[i];
    return p;
  });
}

template void gemm(int64_t, int64_t, int64_t, MatrixRef<const float>, MatrixRef<const float>,
                   MatrixRef<float>, const GemmEpilogue<float>&);
template void gemm_batched(int64_t, int64_t, int64_t, int64_t, MatrixRef<const float>,
                           MatrixRef<const float>, MatrixRef<float>, const BatchStrides&,
                           const GemmEpilogue<float>&);
template void gemm_batched(int64_t, int64_t, int64_t, int64_t, MatrixRef<const float>,
                           MatrixRef<const float>, MatrixRef<float>, const BatchPointers<float>&,
                           const GemmEpilogue<float>&);
template void gemm(int64_t, int64_t, int64_t, MatrixRef<const double>, MatrixRef<const double>,
                   MatrixRef<double>, const GemmEpilogue<double>&);
template void gemm_batched(int64_t, int64_t, int64_t, int64_t, MatrixRef<const double>,
                           MatrixRef<const double>, MatrixRef<double>, const BatchStrides&,
                           const GemmEpilogue<double>&);
template void gemm_batched(int64_t, int64_t, int64_t, int64_t, MatrixRef<const double>,
                           MatrixRef<const double>, MatrixRef<double>, const BatchPointers<double>&,
                           const GemmEpilogue<double>&);

}  // namespace bb::kernels
