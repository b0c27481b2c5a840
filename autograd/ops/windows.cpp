#include "bb/autograd/ops/windows.h"

#include "bb/core/error.h"

namespace bb::detail {

std::string numbers_text(const std::array<int64_t, 3>& numbers, int64_t spatial) {
  return fmt::format("[{}]", fmt::join(numbers.end() - spatial, numbers.end(), ", "));
}

void check_numbers(const char* op, const char* what, const std::array<int64_t, 3>& numbers,
                   int64_t spatial, int64_t least, const Tensor& x) {
  constexpr int64_t kEnd = int64_t{1} << 31;  // sums and products of them stay within int64
  for (size_t d = 3 - static_cast<size_t>(spatial); d < 3; ++d)
    if (numbers[d] < least || numbers[d] >= kEnd)
      throw ValueError(fmt::format("{}: {} must be at least {}{}\n  x {}   {} {}", op, what, least,
                                   numbers[d] < least ? "" : " and below 2^31", x.shape(), what,
                                   numbers_text(numbers, spatial)));
}

const char* image_dims(int64_t spatial) {
  return spatial == 1 ? "L" : spatial == 2 ? "H,W" : "D,H,W";
}

const char* dim_name(size_t dim, int64_t spatial) {
  return spatial == 1 ? "L" : dim == 0 ? "D" : dim == 1 ? "H" : "W";
}

std::array<int64_t, 3> spatial_sizes(const Shape& shape, int64_t spatial) {
  std::array<int64_t, 3> result{1, 1, 1};
  std::copy(shape.end() - spatial, shape.end(), result.end() - spatial);
  return result;
}

int64_t window_extent(const char* op, int64_t kernel, int64_t dilation, const Tensor& x) {
  int64_t extent;
  if (__builtin_mul_overflow(dilation, kernel - 1, &extent) || extent > INT64_MAX / 4)
    throw ShapeError(fmt::format("{}: a window of {} elements, {} apart, leaves int64\n  x {}", op,
                                 kernel, dilation, x.shape()));
  return extent + 1;
}

}  // namespace bb::detail
