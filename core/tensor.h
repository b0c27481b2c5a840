#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bb/core/dtype.h"
#include "bb/core/ref.h"
#include "bb/core/scalar.h"
#include "bb/core/shape.h"
#include "bb/core/storage.h"

namespace bb {

class Tensor;
struct MaxResult;

/// Of a variance or standard deviation: the sum of squares is divided by count - correction (1:
/// Bessel's, unbiased; 0: of the elements themselves).
struct VarOptions {
  int64_t correction = 1;
  bool keepdim = false;
};

namespace detail {

/// What a Tensor points to: where its elements lie, and its place on the tape.
class TensorImpl {
 public:
  TensorImpl(Ref<Storage> storage_, const Shape& shape_, const Shape& strides_, int64_t offset_,
             int64_t numel_, DType dtype_, bool is_contiguous_)
      : storage(std::move(storage_)),
        shape(shape_),
        strides(strides_),
        offset(offset_),
        numel(numel_),
        dtype(dtype_),
        is_contiguous(is_contiguous_),
        data(static_cast<char*>(storage->data()) + offset * size_of(dtype)) {}

  const Ref<Storage> storage;
  const Shape shape;
  const Shape strides;   // in elements
  const int64_t offset;  // in elements
  const int64_t numel;   // of shape
  const DType dtype;
  const bool is_contiguous;  // by shape and strides
  void* const data;          // the first element
  /// The autograd::Node that gradients of this tensor go to; null where none are wanted.
  Ref<RefCounted> node;

  void retain() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (refs_.load(std::memory_order_acquire) == 1 ||
        refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete this;
  }
  uint32_t use_count() const { return refs_.load(std::memory_order_relaxed); }

  void* operator new(size_t size) { return allocate(size); }
  void operator delete(void* block, size_t size) { deallocate(block, size); }

 private:
  std::atomic<uint32_t> refs_{0};
};

}  // namespace detail

/// A multi-dimensional array with gradients. A handle: copies share elements and gradient, as in
/// PyTorch; clone() copies. Ops are methods here or free functions in bb/autograd/ops/; methods are
/// defined beside the ops that they name.
class Tensor {
 public:
  /// Undefined: no elements, no shape. Only defined(), assignment and `==`-like tests are allowed.
  Tensor() = default;

  /// Uninitialised elements. Throws ShapeError for a negative size.
  static Tensor empty(const Shape& shape, DType dtype = kFloat32);
  /// A copy of `shape.numel()` row-major elements. Throws ShapeError where the count differs.
  template <class T>
  static Tensor copy_of(std::span<const T> elements, const Shape& shape);
  /// A tensor over the caller's memory, row-major, without a copy; `owner` keeps the memory alive.
  /// With a null owner the caller must.
  template <class T>
  static Tensor borrow(T* data, const Shape& shape, std::shared_ptr<void> owner);

  // ---- What it is
  bool defined() const { return static_cast<bool>(impl_); }
  const Shape& shape() const { return impl().shape; }
  const Shape& strides() const { return impl().strides; }
  int64_t dim() const { return impl().shape.rank(); }
  /// Size of one dimension; negative dims count from the end. Throws IndexError.
  int64_t size(int64_t dim) const;
  int64_t numel() const { return impl().numel; }
  DType dtype() const { return impl().dtype; }
  Device device() const { return kCPU; }
  bool is_contiguous() const { return impl().is_contiguous; }

  // ---- Elements
  /// The first element. Elements lie apart by strides(). Throws DTypeError for another T.
  template <class T>
  T* data() {
    check_dtype(dtype_of<T>);
    return static_cast<T*>(raw_data());
  }
  template <class T>
  const T* data() const {
    check_dtype(dtype_of<T>);
    return static_cast<const T*>(raw_data());
  }
  void* raw_data() const { return impl().data; }
  /// The only element, converted to T. Throws ShapeError unless numel() is 1.
  template <class T>
  T item() const;
  /// The elements in row-major order. Throws DTypeError for another T.
  template <class T>
  std::vector<T> to_vector() const;

  // ---- Gradients (bb/autograd/tape.h)
  bool requires_grad() const { return defined() && static_cast<bool>(impl_->node); }
  /// Makes a leaf record, or stop recording, what is computed from it. Throws DTypeError for other
  /// than floating-point types, ValueError for turning it off on a tensor that an op made.
  Tensor& requires_grad_(bool value = true);
  /// True where no recorded op made it.
  bool is_leaf() const;
  /// The gradient accumulated by backward(), undefined before. Throws ValueError unless this is a
  /// leaf.
  Tensor grad() const;
  /// Replaces the gradient; an undefined one clears it. Throws on another shape or dtype.
  void set_grad(const Tensor& grad);
  /// Gradients of this with respect to every leaf that it was computed from, added to their grad().
  /// `gradient` weights the elements of this; it may be left out for one element (1 then). The
  /// records are freed unless retain_graph.
  void backward(const Tensor& gradient = {}, bool retain_graph = false) const;
  /// The same elements, off the tape.
  Tensor detach() const;

  // ---- In place. Throw ValueError while recording if this or the operand requires a gradient.
  Tensor& fill_(Scalar value);
  Tensor& zero_() { return fill_(0); }
  /// Takes the elements of `source`, broadcast to this shape and converted to this dtype.
  Tensor& copy_(const Tensor& source);
  Tensor& add_(const Tensor& other);
  Tensor& sub_(const Tensor& other);
  Tensor& mul_(const Tensor& other);
  Tensor& div_(const Tensor& other);
  Tensor& add_(Scalar other);
  Tensor& sub_(Scalar other);
  Tensor& mul_(Scalar other);
  Tensor& div_(Scalar other);

  // ---- Shape and copies (bb/autograd/ops/shape.h)
  Tensor view(const Shape& shape) const;
  Tensor reshape(const Shape& shape) const;
  Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1) const;
  Tensor transpose(int64_t dim0, int64_t dim1) const;
  Tensor t() const;
  Tensor permute(const Shape& dims) const;
  Tensor squeeze(int64_t dim) const;
  Tensor unsqueeze(int64_t dim) const;
  Tensor expand(const Shape& shape) const;
  Tensor slice(int64_t dim, int64_t start, int64_t end, int64_t step = 1) const;
  Tensor contiguous() const;
  Tensor clone() const;
  Tensor to(DType dtype) const;

  // ---- Elementwise (bb/autograd/ops/arithmetic.h, pointwise.h, activation.h, clamp.h, compare.h)
  Tensor abs() const;
  Tensor sign() const;
  Tensor square() const;
  Tensor sqrt() const;
  Tensor rsqrt() const;
  Tensor reciprocal() const;
  Tensor exp() const;
  Tensor exp2() const;
  Tensor expm1() const;
  Tensor log() const;
  Tensor log2() const;
  Tensor log10() const;
  Tensor log1p() const;
  Tensor tanh() const;
  Tensor sinh() const;
  Tensor cosh() const;
  Tensor sigmoid() const;
  Tensor erf() const;
  Tensor sin() const;
  Tensor cos() const;
  Tensor tan() const;
  Tensor asin() const;
  Tensor acos() const;
  Tensor atan() const;
  Tensor atan2(const Tensor& x) const;
  Tensor floor() const;
  Tensor ceil() const;
  Tensor round() const;
  Tensor trunc() const;
  Tensor relu() const;
  Tensor pow(const Tensor& exponent) const;
  Tensor pow(Scalar exponent) const;
  Tensor fmod(const Tensor& other) const;
  Tensor fmod(Scalar other) const;
  Tensor remainder(const Tensor& other) const;
  Tensor remainder(Scalar other) const;
  Tensor lerp(const Tensor& end, const Tensor& weight) const;
  Tensor lerp(const Tensor& end, Scalar weight) const;
  Tensor maximum(const Tensor& other) const;
  Tensor minimum(const Tensor& other) const;
  Tensor clamp(std::optional<Scalar> min, std::optional<Scalar> max = {}) const;
  Tensor clamp(const Tensor& min, const Tensor& max) const;
  Tensor eq(const Tensor& other) const;
  Tensor eq(Scalar other) const;
  Tensor ne(const Tensor& other) const;
  Tensor ne(Scalar other) const;
  Tensor lt(const Tensor& other) const;
  Tensor lt(Scalar other) const;
  Tensor le(const Tensor& other) const;
  Tensor le(Scalar other) const;
  Tensor gt(const Tensor& other) const;
  Tensor gt(Scalar other) const;
  Tensor ge(const Tensor& other) const;
  Tensor ge(Scalar other) const;
  Tensor logical_and(const Tensor& other) const;
  Tensor logical_or(const Tensor& other) const;
  Tensor logical_xor(const Tensor& other) const;
  Tensor bitwise_and(const Tensor& other) const;
  Tensor bitwise_or(const Tensor& other) const;
  Tensor bitwise_xor(const Tensor& other) const;
  Tensor logical_not() const;
  Tensor bitwise_not() const;
  Tensor isnan() const;
  Tensor isinf() const;
  Tensor isfinite() const;
  /// This where mask is set, else other.
  Tensor where(const Tensor& mask, const Tensor& other) const;
  Tensor where(const Tensor& mask, Scalar other) const;

  // ---- Reductions (bb/autograd/ops/reduce.h, moments.h, norm.h, extremum.h), scans (scan.h)
  Tensor sum() const;
  Tensor sum(const Shape& dims, bool keepdim = false) const;
  template <std::integral Dim>
  Tensor sum(Dim dim, bool keepdim = false) const {
    return sum(Shape{dim}, keepdim);
  }
  Tensor mean() const;
  Tensor mean(const Shape& dims, bool keepdim = false) const;
  template <std::integral Dim>
  Tensor mean(Dim dim, bool keepdim = false) const {
    return mean(Shape{dim}, keepdim);
  }
  Tensor prod() const;
  Tensor prod(int64_t dim, bool keepdim = false) const;
  Tensor var(const Shape& dims = {}, const VarOptions& options = {}) const;
  template <std::integral Dim>
  Tensor var(Dim dim, const VarOptions& options = {}) const {
    return var(Shape{dim}, options);
  }
  Tensor std(const Shape& dims = {}, const VarOptions& options = {}) const;
  template <std::integral Dim>
  Tensor std(Dim dim, const VarOptions& options = {}) const {
    return std(Shape{dim}, options);
  }
  Tensor norm(double p = 2) const;
  Tensor norm(double p, const Shape& dims, bool keepdim = false) const;
  Tensor logsumexp(const Shape& dims, bool keepdim = false) const;
  template <std::integral Dim>
  Tensor logsumexp(Dim dim, bool keepdim = false) const {
    return logsumexp(Shape{dim}, keepdim);
  }
  Tensor amax(const Shape& dims = {}, bool keepdim = false) const;
  template <std::integral Dim>
  Tensor amax(Dim dim, bool keepdim = false) const {
    return amax(Shape{dim}, keepdim);
  }
  Tensor amin(const Shape& dims = {}, bool keepdim = false) const;
  template <std::integral Dim>
  Tensor amin(Dim dim, bool keepdim = false) const {
    return amin(Shape{dim}, keepdim);
  }
  Tensor max() const;
  MaxResult max(int64_t dim, bool keepdim = false) const;
  Tensor min() const;
  MaxResult min(int64_t dim, bool keepdim = false) const;
  Tensor median() const;
  MaxResult median(int64_t dim, bool keepdim = false) const;
  Tensor argmax() const;
  Tensor argmax(int64_t dim, bool keepdim = false) const;
  Tensor argmin() const;
  Tensor argmin(int64_t dim, bool keepdim = false) const;
  Tensor any(const Shape& dims = {}, bool keepdim = false) const;
  template <std::integral Dim>
  Tensor any(Dim dim, bool keepdim = false) const {
    return any(Shape{dim}, keepdim);
  }
  Tensor all(const Shape& dims = {}, bool keepdim = false) const;
  template <std::integral Dim>
  Tensor all(Dim dim, bool keepdim = false) const {
    return all(Shape{dim}, keepdim);
  }
  Tensor count_nonzero(const Shape& dims = {}) const;
  Tensor cumsum(int64_t dim) const;
  Tensor cumprod(int64_t dim) const;

  // ---- Products (bb/autograd/ops/linalg.h), softmax (softmax.h)
  Tensor matmul(const Tensor& other) const;
  Tensor softmax(int64_t dim) const;
  Tensor log_softmax(int64_t dim) const;

  // ---- For those who write ops
  /// Another look at the same storage, off the tape.
  Tensor alias(const Shape& shape, const Shape& strides, int64_t offset) const;
  Tensor alias() const { return alias(shape(), strides(), impl().offset); }
  int64_t offset() const { return impl().offset; }
  uint32_t version() const { return impl().storage->version(); }
  /// True where no other handle and no other view can see the elements.
  bool is_sole_owner() const;
  bool shares_storage(const Tensor& other) const { return impl().storage == other.impl().storage; }
  /// True where both handles are of one tensor.
  bool is(const Tensor& other) const { return impl_ == other.impl_; }
  const Ref<RefCounted>& node() const { return impl().node; }
  void set_node(Ref<RefCounted> node) { impl().node = std::move(node); }
  /// Says that the elements were changed in place.
  void bump_version() { impl().storage->bump_version(); }
  /// Handles of this tensor.
  int use_count() const;

 private:
  explicit Tensor(Ref<detail::TensorImpl> impl) : impl_(std::move(impl)) {}
  static Tensor from_bytes(const void* data, int64_t count, const Shape& shape, DType dtype);
  static Tensor borrow_bytes(void* data, const Shape& shape, DType dtype,
                             std::shared_ptr<void> owner);
  static Tensor row_major(Ref<detail::Storage> storage, const Shape& shape, int64_t numel,
                          DType dtype);
  detail::TensorImpl& impl() const {
    if (!impl_) throw_undefined();
    return *impl_;
  }
  [[noreturn]] static void throw_undefined();
  void check_dtype(DType asked) const {
    if (impl().dtype != asked) throw_dtype(asked);
  }
  [[noreturn]] void throw_dtype(DType asked) const;
  Scalar item_scalar() const;

  Ref<detail::TensorImpl> impl_;
};

/// Values and, for each, its index in the reduced dimension (int64).
struct MaxResult {
  Tensor values;
  Tensor indices;
};
using MinResult = MaxResult;
using MedianResult = MaxResult;

/// A few words on a tensor for error messages: "float32 [2, 3]".
std::string describe(const Tensor& x);

/// Elements as text, laid out by rows, long dimensions shortened.
std::string to_string(const Tensor& x);

// ------------------------------------------------------------------ templates

template <class T>
Tensor Tensor::copy_of(std::span<const T> elements, const Shape& shape) {
  return from_bytes(elements.data(), static_cast<int64_t>(elements.size()), shape, dtype_of<T>);
}

template <class T>
Tensor Tensor::borrow(T* data, const Shape& shape, std::shared_ptr<void> owner) {
  return borrow_bytes(data, shape, dtype_of<T>, std::move(owner));
}

template <class T>
T Tensor::item() const {
  return item_scalar().to<T>();
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  check_dtype(dtype_of<T>);
  const Tensor rows = detach().contiguous();
  const T* first = rows.data<T>();
  return std::vector<T>(first, first + rows.numel());
}

}  // namespace bb

template <>
struct fmt::formatter<bb::Tensor> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const bb::Tensor& x, Context& context) const {
    return fmt::format_to(context.out(), "{}", bb::to_string(x));
  }
};
