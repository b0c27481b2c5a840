#include "bb/core/tensor.h"

#include <algorithm>
#include <cstring>

#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

namespace bb {

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  const int64_t numel = detail::checked_numel("empty", shape, dtype);
  return row_major(detail::Storage::allocate(numel * size_of(dtype)), shape, numel, dtype);
}

Tensor Tensor::row_major(Ref<detail::Storage> storage, const Shape& shape, int64_t numel,
                         DType dtype) {
  return Tensor(Ref<detail::TensorImpl>(new detail::TensorImpl(
      std::move(storage), shape, contiguous_strides(shape), 0, numel, dtype, true)));
}

Tensor Tensor::from_bytes(const void* data, int64_t count, const Shape& shape, DType dtype) {
  const int64_t numel = detail::checked_numel("copy_of", shape, dtype);
  if (count != numel)
    throw ShapeError(fmt::format("copy_of: {} elements do not fill shape {} ({} elements)", count,
                                 shape, numel));
  Tensor result = empty(shape, dtype);
  if (count > 0) std::memcpy(result.raw_data(), data, static_cast<size_t>(count * size_of(dtype)));
  return result;
}

Tensor Tensor::borrow_bytes(void* data, const Shape& shape, DType dtype,
                            std::shared_ptr<void> owner) {
  const int64_t numel = detail::checked_numel("borrow", shape, dtype);
  if (!data && numel > 0)
    throw ValueError(fmt::format("borrow: a null pointer for shape {}", shape));
  return row_major(detail::Storage::borrow(data, numel * size_of(dtype), std::move(owner)), shape,
                   numel, dtype);
}

Tensor Tensor::alias(const Shape& shape, const Shape& strides, int64_t offset) const {
  return Tensor(Ref<detail::TensorImpl>(new detail::TensorImpl(impl().storage, shape, strides,
                                                               offset, shape.numel(), impl().dtype,
                                                               bb::is_contiguous(shape, strides))));
}

Tensor Tensor::detach() const { return alias(); }

bool Tensor::is_sole_owner() const {
  return impl().use_count() == 1 && impl().storage->use_count() == 1;
}

int Tensor::use_count() const { return static_cast<int>(impl().use_count()); }

int64_t Tensor::size(int64_t dim) const {
  if (shape().empty())
    throw IndexError(
        fmt::format("size: dim {} asked of a 0-d tensor, which has no sizes\n  x []", dim));
  return shape()[normalize_dim("size", dim, shape())];
}

void Tensor::throw_undefined() {
  throw ValueError(
      "tensor: this one is undefined (made by Tensor(), or a gradient that was never computed)\n"
      "  hint: test it with defined() first");
}

void Tensor::throw_dtype(DType asked) const {
  throw DTypeError(
      fmt::format("tensor: asked for elements as {}, but this is {}\n  hint: convert with to({})",
                  name(asked), describe(*this), name(asked)));
}

Scalar Tensor::item_scalar() const {
  if (numel() != 1)
    throw ShapeError(
        fmt::format("item: only a tensor of one element has an item, this is {}", describe(*this)));
  return visit(dtype(), [&]<class T>() { return Scalar(*static_cast<const T*>(raw_data())); });
}

std::string describe(const Tensor& x) {
  if (!x.defined()) return "undefined";
  return fmt::format("{} {}", name(x.dtype()), x.shape());
}

namespace {

constexpr int64_t kEdgeItems = 3;     // shown at each end of a dimension
constexpr int64_t kFullItems = 1000;  // a tensor of up to so many is shown whole

template <class T>
void append_element(std::string& text, T value) {
  if constexpr (std::is_same_v<T, bool>)
    text += value ? "true" : "false";
  else if constexpr (std::is_floating_point_v<T>)
    text += fmt::format("{:.4f}", value);
  else
    text += fmt::format("{}", value);
}

void append(std::string& text, const Tensor& x, int64_t dim, int64_t offset, bool shorten) {
  if (dim == x.dim()) {
    visit(x.dtype(),
          [&]<class T>() { append_element(text, static_cast<const T*>(x.raw_data())[offset]); });
    return;
  }
  text += '[';
  const int64_t n = x.shape()[dim];
  for (int64_t i = 0; i < n; ++i) {
    if (i > 0)
      text += dim + 1 == x.dim() ? ", " : ",\n" + std::string(static_cast<size_t>(dim) + 1, ' ');
    if (shorten && n > 2 * kEdgeItems && i == kEdgeItems) {
      text += "...";
      i = n - kEdgeItems - 1;
      continue;
    }
    append(text, x, dim + 1, offset + i * x.strides()[dim], shorten);
  }
  text += ']';
}

}  // namespace

std::string to_string(const Tensor& x) {
  if (!x.defined()) return "undefined tensor";
  std::string text;
  int64_t longest = x.numel();
  for (int64_t size : x.shape()) longest = std::max(longest, size);  // of rows without elements
  append(text, x, 0, 0, longest > kFullItems);
  return fmt::format("{}\n{}", text, describe(x));
}

}  // namespace bb
