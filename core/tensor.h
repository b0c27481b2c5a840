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

class HookHandle;
class Tensor;
struct AddmmOptions;
struct MaxResult;
struct SlogdetResult;
struct SortResult;
struct UniqueOptions;
struct UniqueResult;
enum class RoundingMode : uint8_t;
namespace indexing {
class Index;
}

/// Of a variance or standard deviation: the sum of squares is divided by count - correction (1:
/// Bessel's, unbiased; 0: of the elements themselves).
struct VarOptions {
  int64_t correction = 1;
  bool keepdim = false;
};

namespace detail {

/// What the tape knows of a view: how it shows its base (an op of ours made it), nothing for it was
/// made while recording was off, or nothing because a user's op returned it.
enum class ViewKind : uint8_t { kFollowed, kOffTheTape, kOfUserOp };

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
  /// The node of a leaf whose requires_grad was turned off, with its gradient and hooks.
  Ref<RefCounted> parked_node;
  /// Of a view: the tensor whose elements it shows (never a view itself).
  Ref<TensorImpl> base;
  /// How often a change in place gave this tensor another history; of a view: its base's count
  /// when `node` was made (bb/autograd/mutation.h).
  uint32_t generation = 0;
  /// Whether the tape can follow changes in place from the view to the base and back.
  ViewKind view_kind = ViewKind::kFollowed;

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
  /// True where InferenceMode made the elements (bb/autograd/grad_mode.h).
  bool is_inference() const { return impl().storage->is_inference(); }

  // ---- Elements
  /// The first element. Elements lie apart by strides(). Throws DTypeError for another T. The tape
  /// does not see what is written there: of an op's result, gradients may read what it was.
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
  bool requires_grad() const { return defined() && static_cast<bool>(node()); }
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

  /// Calls hook(gradient) whenever backward has this tensor's whole gradient, before it goes on; a
  /// defined Tensor that the hook returns takes the gradient's place. Throws ValueError without
  /// requires_grad.
  template <class F>
  HookHandle register_hook(F hook) const;
  /// Keeps the gradient of a tensor that an op made, for grad().
  void retain_grad() const;

  // ---- In place. Recorded as a new value of this tensor and of what it is a view of. Throw
  // ValueError for a leaf that requires a gradient while recording, and for an expanded tensor.
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
  Tensor& add_(const Tensor& other, Scalar alpha);
  Tensor& sub_(const Tensor& other, Scalar alpha);
  Tensor& div_(const Tensor& other, RoundingMode rounding_mode);
  Tensor& div_(Scalar other, RoundingMode rounding_mode);
  Tensor& fmod_(const Tensor& other);
  Tensor& fmod_(Scalar other);
  Tensor& remainder_(const Tensor& other);
  Tensor& remainder_(Scalar other);
  Tensor& pow_(const Tensor& exponent);
  Tensor& pow_(Scalar exponent);
  Tensor& lerp_(const Tensor& end, const Tensor& weight);
  Tensor& lerp_(const Tensor& end, Scalar weight);
  Tensor& neg_();
  Tensor& abs_();
  Tensor& sign_();
  Tensor& square_();
  Tensor& sqrt_();
  Tensor& rsqrt_();
  Tensor& reciprocal_();
  Tensor& exp_();
  Tensor& exp2_();
  Tensor& expm1_();
  Tensor& log_();
  Tensor& log2_();
  Tensor& log10_();
  Tensor& log1p_();
  Tensor& erf_();
  Tensor& sin_();
  Tensor& cos_();
  Tensor& tan_();
  Tensor& asin_();
  Tensor& acos_();
  Tensor& atan_();
  Tensor& atan2_(const Tensor& x);
  Tensor& sinh_();
  Tensor& cosh_();
  Tensor& tanh_();
  Tensor& sigmoid_();
  Tensor& relu_();
  Tensor& leaky_relu_(double negative_slope = 0.01);
  Tensor& elu_(double alpha = 1);
  Tensor& silu_();
  Tensor& hardtanh_(double min_val = -1, double max_val = 1);
  Tensor& floor_();
  Tensor& ceil_();
  Tensor& round_();
  Tensor& round_(int64_t decimals);
  Tensor& trunc_();
  // Of truths, as 0 and 1 of this dtype.
  Tensor& eq_(const Tensor& other);
  Tensor& eq_(Scalar other);
  Tensor& ne_(const Tensor& other);
  Tensor& ne_(Scalar other);
  Tensor& lt_(const Tensor& other);
  Tensor& lt_(Scalar other);
  Tensor& le_(const Tensor& other);
  Tensor& le_(Scalar other);
  Tensor& gt_(const Tensor& other);
  Tensor& gt_(Scalar other);
  Tensor& ge_(const Tensor& other);
  Tensor& ge_(Scalar other);
  Tensor& logical_and_(const Tensor& other);
  Tensor& logical_or_(const Tensor& other);
  Tensor& logical_xor_(const Tensor& other);
  Tensor& logical_not_();
  Tensor& bitwise_and_(const Tensor& other);
  Tensor& bitwise_or_(const Tensor& other);
  Tensor& bitwise_xor_(const Tensor& other);
  Tensor& bitwise_not_();
  Tensor& cumsum_(int64_t dim);
  Tensor& cumprod_(int64_t dim);
  Tensor& clamp_(std::optional<Scalar> min, std::optional<Scalar> max = {});
  Tensor& clamp_(const Tensor& min, const Tensor& max = {});
  Tensor& tril_(int64_t diagonal = 0);
  Tensor& triu_(int64_t diagonal = 0);
  Tensor& masked_fill_(const Tensor& mask, Scalar value);
  Tensor& masked_fill_(const Tensor& mask, const Tensor& value);
  Tensor& masked_scatter_(const Tensor& mask, const Tensor& source);
  Tensor& scatter_(int64_t dim, const Tensor& index, const Tensor& source);
  Tensor& scatter_(int64_t dim, const Tensor& index, Scalar value);
  Tensor& scatter_add_(int64_t dim, const Tensor& index, const Tensor& source);
  Tensor& index_add_(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1);
  Tensor& index_copy_(int64_t dim, const Tensor& index, const Tensor& source);
  Tensor& index_fill_(int64_t dim, const Tensor& index, Scalar value);
  /// Assigns to what index(indices) shows (bb/autograd/ops/indexing.h).
  Tensor& index_put_(const std::vector<indexing::Index>& indices, const Tensor& value,
                     bool accumulate = false);
  Tensor& index_put_(const std::vector<indexing::Index>& indices, Scalar value,
                     bool accumulate = false);

  // ---- Shape and copies (bb/autograd/ops/shape.h)
  Tensor view(const Shape& shape) const;
  Tensor reshape(const Shape& shape) const;
  Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1) const;
  Tensor transpose(int64_t dim0, int64_t dim1) const;
  Tensor swapaxes(int64_t axis0, int64_t axis1) const;
  Tensor t() const;
  Tensor mT() const;
  Tensor permute(const Shape& dims) const;
  Tensor movedim(int64_t source, int64_t destination) const;
  Tensor movedim(const Shape& source, const Shape& destination) const;
  Tensor squeeze() const;
  Tensor squeeze(const Shape& dims) const;
  template <std::integral Dim>
  Tensor squeeze(Dim dim) const {
    return squeeze(Shape{dim});
  }
  Tensor unsqueeze(int64_t dim) const;
  Tensor unflatten(int64_t dim, const Shape& sizes) const;
  Tensor expand(const Shape& shape) const;
  Tensor expand_as(const Tensor& other) const;
  Tensor broadcast_to(const Shape& shape) const;
  Tensor view_as(const Tensor& other) const;
  Tensor reshape_as(const Tensor& other) const;
  Tensor slice(int64_t dim, int64_t start, int64_t end, int64_t step = 1) const;
  Tensor contiguous() const;
  Tensor clone() const;
  Tensor to(DType dtype) const;
  Tensor type_as(const Tensor& other) const { return to(other.dtype()); }

  // ---- Parts, as views (bb/autograd/ops/parts.h)
  /// select(0, index).
  Tensor operator[](int64_t index) const { return select(0, index); }
  Tensor select(int64_t dim, int64_t index) const;
  Tensor narrow(int64_t dim, int64_t start, int64_t length) const;
  template <std::integral Size>
  std::vector<Tensor> split(Size size, int64_t dim = 0) const {
    return split_evenly(size, dim);
  }
  std::vector<Tensor> split(const std::vector<int64_t>& sizes, int64_t dim = 0) const;
  std::vector<Tensor> chunk(int64_t chunks, int64_t dim = 0) const;
  std::vector<Tensor> unbind(int64_t dim = 0) const;
  Tensor diagonal(int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1) const;
  Tensor unfold(int64_t dim, int64_t size, int64_t step) const;

  // ---- Rearranged and cut copies (bb/autograd/ops/join.h, triangle.h)
  Tensor repeat(const Shape& repeats) const;
  Tensor tile(const Shape& repeats) const;
  Tensor flip(const Shape& dims) const;
  template <std::integral Dim>
  Tensor flip(Dim dim) const {
    return flip(Shape{dim});
  }
  Tensor roll(int64_t shift) const;
  Tensor roll(int64_t shift, int64_t dim) const;
  Tensor roll(const Shape& shifts, const Shape& dims) const;
  Tensor tril(int64_t diagonal = 0) const;
  Tensor triu(int64_t diagonal = 0) const;
  Tensor diag(int64_t diagonal = 0) const;
  Tensor diag_embed(int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1) const;
  Tensor trace() const;

  // ---- By index (bb/autograd/ops/indexing.h, gather.h, mask.h) and by order (sort.h)
  Tensor index(const std::vector<indexing::Index>& indices) const;
  Tensor index_put(const std::vector<indexing::Index>& indices, const Tensor& value,
                   bool accumulate = false) const;
  Tensor index_put(const std::vector<indexing::Index>& indices, Scalar value,
                   bool accumulate = false) const;
  Tensor gather(int64_t dim, const Tensor& index) const;
  Tensor scatter(int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor scatter(int64_t dim, const Tensor& index, Scalar value) const;
  Tensor scatter_add(int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor index_select(int64_t dim, const Tensor& index) const;
  Tensor index_add(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha = 1) const;
  Tensor index_copy(int64_t dim, const Tensor& index, const Tensor& source) const;
  Tensor index_fill(int64_t dim, const Tensor& index, Scalar value) const;
  Tensor take(const Tensor& index) const;
  Tensor take_along_dim(const Tensor& indices) const;
  Tensor take_along_dim(const Tensor& indices, int64_t dim) const;
  Tensor masked_fill(const Tensor& mask, Scalar value) const;
  Tensor masked_fill(const Tensor& mask, const Tensor& value) const;
  Tensor masked_select(const Tensor& mask) const;
  Tensor masked_scatter(const Tensor& mask, const Tensor& source) const;
  Tensor nonzero() const;
  Tensor argwhere() const;
  SortResult sort(int64_t dim = -1, bool descending = false, bool stable = false) const;
  Tensor argsort(int64_t dim = -1, bool descending = false, bool stable = false) const;
  SortResult topk(int64_t k, int64_t dim = -1, bool largest = true, bool sorted = true) const;
  UniqueResult unique(const UniqueOptions& options) const;
  UniqueResult unique() const;

  // ---- Elementwise (bb/autograd/ops/arithmetic.h, pointwise.h, activation.h, clamp.h, compare.h)
  Tensor abs() const;
  Tensor add(const Tensor& other) const;
  Tensor add(Scalar other) const;
  Tensor add(const Tensor& other, Scalar alpha) const;
  Tensor sub(const Tensor& other) const;
  Tensor sub(Scalar other) const;
  Tensor sub(const Tensor& other, Scalar alpha) const;
  Tensor mul(const Tensor& other) const;
  Tensor mul(Scalar other) const;
  Tensor div(const Tensor& other) const;
  Tensor div(Scalar other) const;
  Tensor div(const Tensor& other, RoundingMode rounding_mode) const;
  Tensor div(Scalar other, RoundingMode rounding_mode) const;
  Tensor neg() const;
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
  Tensor round(int64_t decimals) const;
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
  Tensor sum(const Shape& dims, bool keepdim = false, std::optional<DType> dtype = {}) const;
  template <std::integral Dim>
  Tensor sum(Dim dim, bool keepdim = false, std::optional<DType> dtype = {}) const {
    return sum(Shape{dim}, keepdim, dtype);
  }
  Tensor mean() const;
  Tensor mean(const Shape& dims, bool keepdim = false, std::optional<DType> dtype = {}) const;
  template <std::integral Dim>
  Tensor mean(Dim dim, bool keepdim = false, std::optional<DType> dtype = {}) const {
    return mean(Shape{dim}, keepdim, dtype);
  }
  Tensor prod() const;
  Tensor prod(int64_t dim, bool keepdim = false, std::optional<DType> dtype = {}) const;
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
  Tensor max(const Tensor& other) const { return maximum(other); }
  MaxResult max(int64_t dim, bool keepdim = false) const;
  Tensor min() const;
  Tensor min(const Tensor& other) const { return minimum(other); }
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
  Tensor cumsum(int64_t dim, std::optional<DType> dtype = {}) const;
  Tensor cumprod(int64_t dim, std::optional<DType> dtype = {}) const;

  // ---- Products (bb/autograd/ops/linalg.h), softmax (softmax.h)
  Tensor matmul(const Tensor& other) const;
  Tensor mm(const Tensor& other) const;
  Tensor bmm(const Tensor& other) const;
  Tensor mv(const Tensor& vector) const;
  Tensor dot(const Tensor& other) const;
  Tensor outer(const Tensor& other) const;
  Tensor kron(const Tensor& other) const;
  Tensor addmm(const Tensor& a, const Tensor& b) const;
  Tensor addmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const;
  Tensor baddbmm(const Tensor& a, const Tensor& b) const;
  Tensor baddbmm(const Tensor& a, const Tensor& b, const AddmmOptions& options) const;
  Tensor addmv(const Tensor& a, const Tensor& v) const;
  Tensor addmv(const Tensor& a, const Tensor& v, const AddmmOptions& options) const;
  Tensor cholesky(bool upper = false) const;
  Tensor det() const;
  SlogdetResult slogdet() const;
  Tensor inverse() const;
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
  const Ref<RefCounted>& node() const {
    if (impl().base && impl_->base->generation != impl_->generation) renew_node();
    return impl_->node;
  }
  void set_node(Ref<RefCounted> node) { impl().node = std::move(node); }
  const Ref<detail::TensorImpl>& handle() const { return impl_; }
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
  // The node of a view whose base was changed in place.
  void renew_node() const;
  void check_dtype(DType asked) const {
    if (impl().dtype != asked) throw_dtype(asked);
  }
  [[noreturn]] void throw_dtype(DType asked) const;
  Scalar item_scalar() const;
  std::vector<Tensor> split_evenly(int64_t size, int64_t dim) const;

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
struct fmt::formatter<bb::Tensor> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const bb::Tensor& x, Context& context) const {
    const std::string text = bb::to_string(x);
    return fmt::formatter<fmt::string_view>::format(text, context);
  }
};
