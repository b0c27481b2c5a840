#include "bb/core/kernels/im2col.h"

#include <algorithm>

namespace bb::kernels {
namespace {

// Calls row(to, from, begin, end) for each run of windows along the width that a row of the matrix
// goes through: windows [begin, end) of the run lie in the image, the first of them at x + from;
// those of [0, run) before and after do not. `to` is where the run starts in the panel.
template <class Row>
void for_each_run(const Windows& w, int64_t channels, int64_t first, int64_t last, const Row& row) {
  const int64_t width = w.out[2], height = w.out[1];
  int64_t to = 0;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t kd = 0; kd < w.kernel[0]; ++kd)
      for (int64_t kh = 0; kh < w.kernel[1]; ++kh)
        for (int64_t kw = 0; kw < w.kernel[2]; ++kw) {
          const WindowRange inside = windows_inside(w, 2, kw);
          for (int64_t at = first; at < last;) {
            const int64_t o = at % width, run = std::min(width - o, last - at);
            const int64_t z =
                at / (width * height) * w.stride[0] + kd * w.dilation[0] - w.padding[0];
            const int64_t y = at / width % height * w.stride[1] + kh * w.dilation[1] - w.padding[1];
            int64_t begin = std::clamp<int64_t>(inside.begin - o, 0, run);
            int64_t end = std::clamp<int64_t>(inside.end - o, begin, run);
            if (z < 0 || z >= w.in[0] || y < 0 || y >= w.in[1]) begin = end = 0;
            const int64_t x = (o + begin) * w.stride[2] + kw * w.dilation[2] - w.padding[2];
            row(to, ((c * w.in[0] + z) * w.in[1] + y) * w.in[2] + x, run, begin, end);
            to += run;
            at += run;
          }
        }
}

}  // namespace

template <class T>
void im2col(const Windows& windows, const T* x, int64_t channels, int64_t first, int64_t last,
            T* panel) {
  const int64_t step = windows.stride[2];
  for_each_run(windows, channels, first, last,
               [=](int64_t to, int64_t from, int64_t run, int64_t begin, int64_t end) {
                 T* row = panel + to;
                 std::fill_n(row, begin, T{0});
                 if (step == 1 && begin < end)
                   std::copy_n(x + from, end - begin, row + begin);
                 else
                   for (int64_t i = begin; i < end; ++i) row[i] = x[from + (i - begin) * step];
                 std::fill(row + end, row + run, T{0});
               });
}

template <class T>
void col2im(const Windows& windows, const T* panel, int64_t channels, int64_t first, int64_t last,
            T* x) {
  const int64_t step = windows.stride[2];
  for_each_run(windows, channels, first, last,
               [=](int64_t to, int64_t from, int64_t, int64_t begin, int64_t end) {
                 const T* row = panel + to;
                 if (step == 1)
                   for (int64_t i = begin; i < end; ++i) x[from + i - begin] += row[i];
                 else
                   for (int64_t i = begin; i < end; ++i) x[from + (i - begin) * step] += row[i];
               });
}

template void im2col(const Windows&, const float*, int64_t, int64_t, int64_t, float*);
template void im2col(const Windows&, const double*, int64_t, int64_t, int64_t, double*);
template void col2im(const Windows&, const float*, int64_t, int64_t, int64_t, float*);
template void col2im(const Windows&, const double*, int64_t, int64_t, int64_t, double*);

}  // namespace bb::kernels
