#include "bb/autograd/ops/indexing.h"

#include <limits>
#include <optional>

#include "bb/autograd/mutation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_indices.h"
#include "bb/autograd/ops/check_writable.h"
#include "bb/autograd/ops/mask.h"
#include "bb/autograd/ops/parts.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/gather.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using detail::Put;
using indexing::Index;
using indexing::Slice;

namespace {

// ---- Reading entries: a view, and for each of its dims a tensor of indices, or none.

struct Parsed {
  Tensor view;
  std::vector<Tensor> tensors;  // int64 without gaps, 0 or more; undefined for a whole dim
};

bool is_mask(const Tensor& x) { return x.dtype() == kBool; }

// The dims of x that an entry takes up.
int64_t dims_of(const Index& entry) {
  if (const Tensor* tensor = std::get_if<Tensor>(&entry.value))
    return is_mask(*tensor) ? tensor->dim() : 1;
  return std::holds_alternative<int64_t>(entry.value) || std::holds_alternative<Slice>(entry.value);
}

// The entries one by one, from the first dimension of x to the last.
class Parser {
 public:
  Parser(const char* op, const Tensor& x, const std::vector<Index>& indices)
      : op_(op), x_(x), parsed_{x, {}} {
    detail::check_defined(op, x);
    int64_t taken = 0;
    bool has_ellipsis = false;
    for (size_t i = 0; i < indices.size(); ++i) {
      const Index& entry = indices[i];
      if (const Tensor* tensor = std::get_if<Tensor>(&entry.value); tensor && !tensor->defined())
        throw ValueError(fmt::format("{}: entry {} is undefined\n  x {}", op, i, x.shape()));
      taken += dims_of(entry);
      if (std::holds_alternative<indexing::EllipsisType>(entry.value) &&
          std::exchange(has_ellipsis, true))
        throw ValueError(fmt::format("{}: Ellipsis is given twice\n  x {}", op, x.shape()));
    }
    if (taken > x.dim())
      throw IndexError(fmt::format("{}: indices for {} dimensions of a tensor of {}\n  x {}", op,
                                   taken, x.dim(), x.shape()));
    left_ = x.dim() - taken;
    for (const Index& entry : indices)
      std::visit([this](const auto& value) { add(value); }, entry.value);
  }

  Parsed result() && { return std::move(parsed_); }

 private:
  void add(int64_t index) {
    const int64_t n = x_.shape()[from_];
    if (index < -n || index >= n)
      throw IndexError(fmt::format(
          "{}: index {} is out of range for dimension {} of size {} ({} to {} allowed)\n"
          "  x {}",
          op_, index, from_, n, -n, n - 1, x_.shape()));
    parsed_.view = select(parsed_.view, at_, index);
    ++from_;
  }
  void add(const Slice& s) {
    if (s.step <= 0)
      throw ValueError(fmt::format("{}: step {} is not positive\n  x {}{}", op_, s.step, x_.shape(),
                                   s.step < 0 ? "\n  hint: flip() turns the order round" : ""));
    if (s.start || s.stop || s.step != 1)
      parsed_.view = slice(parsed_.view, at_, s.start.value_or(0),
                           s.stop.value_or(std::numeric_limits<int64_t>::max()), s.step);
    pass(1);
  }
  void add(indexing::NoneType) {
    add_dim();
    put({});
  }
  void add(indexing::EllipsisType) { pass(left_); }
  void add(bool set) {  // a mask of no dims: a new dimension of which one element or none is taken
    add_dim();
    put(zeros({set ? 1 : 0}, kInt64));
  }
  void add(const Tensor& tensor) {
    if (!is_mask(tensor) && tensor.dim() == 0) {
      detail::checked_indices(op_, tensor, x_.shape()[from_], from_, x_,
                              detail::Negative::kFromEnd);
      return add(tensor.item<int64_t>());
    }
    if (!is_mask(tensor)) {
      put(detail::checked_indices(op_, tensor, x_.shape()[from_], from_, x_,
                                  detail::Negative::kFromEnd));
      ++from_;
      return;
    }
    if (tensor.dim() == 0) return add(tensor.item<bool>());
    for (int64_t d = 0; d < tensor.dim(); ++d)
      if (tensor.shape()[d] != x_.shape()[from_ + d])
        throw ShapeError(fmt::format(
            "{}: the mask has size {} at dimension {}, where x has {} at {}\n  x {}   mask {}", op_,
            tensor.shape()[d], d, x_.shape()[from_ + d], from_ + d, x_.shape(), tensor.shape()));
    const Tensor columns = nonzero(tensor).t().contiguous();
    for (int64_t d = 0; d < tensor.dim(); ++d) put(select(columns, 0, d));
    from_ += tensor.dim();
  }

  void add_dim() {
    detail::check_rank(op_, parsed_.view.dim() + 1, {{"x", x_}});
    parsed_.view = unsqueeze(parsed_.view, at_);
  }
  // A tensor, or none, for the next dim of the view.
  void put(const Tensor& tensor) {
    parsed_.tensors.push_back(tensor);
    ++at_;
  }
  void pass(int64_t count) {
    for (int64_t i = 0; i < count; ++i) put({});
    from_ += count;
  }

  const char* op_;
  const Tensor& x_;
  Parsed parsed_;
  int64_t from_ = 0;  // the dim of x that the next entry is for
  int64_t at_ = 0;    // the same in the view
  int64_t left_ = 0;  // whole dims for Ellipsis
};

bool any(const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors)
    if (tensor.defined()) return true;
  return false;
}

// ---- Where x[tensors] lies in memory.

// "x [2, 3]   index of dimension 0 [2]   index of dimension 1 [3]".
std::string text_of(const Tensor& x, const std::vector<Tensor>& tensors) {
  std::string text = fmt::format("x {}", x.shape());
  for (size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].defined())
      text += fmt::format("   index of dimension {} {}", i, tensors[i].shape());
  return text;
}

struct Places {
  Places(const char* op, const Tensor& x, const std::vector<Tensor>& tensors) {
    int64_t first = -1, last = -1, count = 0;
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (!tensors[i].defined()) continue;
      if (const int64_t dim = detail::broadcast_into(common, tensors[i].shape()); dim > 0)
        detail::throw_no_broadcast(op, dim, common[common.rank() - dim], tensors[i].size(-dim),
                                   text_of(x, tensors));
      last = static_cast<int64_t>(i);
      if (first < 0) first = last;
      ++count;
    }
    at = last - first + 1 == count ? first : 0;
    if (const int64_t rank = x.dim() - count + common.rank(); rank > Shape::kMaxRank)
      throw ShapeError(fmt::format("{}: the result would have {} dimensions, more than {}\n  {}",
                                   op, rank, Shape::kMaxRank, text_of(x, tensors)));

    offsets = zeros(common, kInt64);
    for (int64_t d = 0; d < x.dim(); ++d) {
      const auto i = static_cast<size_t>(d);
      if (i < tensors.size() && tensors[i].defined()) {
        // With one element the stride does not matter, and may be any number.
        const int64_t stride = x.shape()[d] > 1 ? x.strides()[d] : 0;
        no_grad([&] { offsets = offsets + tensors[i] * stride; });
        continue;
      }
      block.push_back(x.shape()[d]);
      block_strides.push_back(x.strides()[d]);
    }
    shape = common;
    for (int64_t d = 0; d < block.rank(); ++d)
      shape.insert(d < at ? d : d + common.rank(), block[d]);
    if (!detail::is_possible(shape, x.dtype())) detail::throw_too_large(op, text_of(x, tensors));
  }

  // The strides, in bytes, of what does not depend on the tensors, by dims of the result.
  Shape result_strides(int64_t unit) const {
    Shape strides = Shape::filled(shape.rank(), 0);
    for (int64_t d = 0; d < block.rank(); ++d)
      strides[d < at ? d : d + common.rank()] = block_strides[d] * unit;
    return strides;
  }

  Shape common;                // of the tensors together
  Shape block, block_strides;  // the whole dims of x
  int64_t at = 0;              // where `common` lies in the result
  Shape shape;                 // of the result
  Tensor offsets;              // of `common`, in elements
};

// Writes `value`, which broadcasts to the places' shape, to y[places], off the tape.
void put(Put how, const Tensor& y, const Places& places, const Tensor& value) {
  Shape order;  // of value's dims: those of the tensors first
  const int64_t common = places.common.rank();
  for (int64_t d = 0; d < common; ++d) order.push_back(places.at + d);
  for (int64_t d = 0; d < places.shape.rank(); ++d)
    if (d < places.at || d >= places.at + common) order.push_back(d);
  const Tensor source = no_grad([&] {
    return to(permute(expand(value.detach(), places.shape), order), y.dtype()).contiguous();
  });
  const int64_t unit = size_of(y.dtype());
  detail::Operand block{static_cast<char*>(y.raw_data()), places.block_strides};
  for (int64_t& stride : block.strides) stride *= unit;
  detail::put_blocks(how, y, block, places.block, places.offsets.contiguous(), source);
}

std::vector<Saved> saved(const std::vector<Tensor>& tensors) {
  return std::vector<Saved>(tensors.begin(), tensors.end());
}
std::vector<Tensor> loaded(const std::vector<Saved>& tensors) {
  std::vector<Tensor> result;
  for (const Saved& tensor : tensors) result.push_back(tensor.defined() ? *tensor : Tensor());
  return result;
}

Tensor pick(const Tensor& x, const std::vector<Tensor>& tensors);

// dy added up where pick() read it.
Tensor pick_grad(const Tensor& dy, const Shape& shape, const std::vector<Tensor>& tensors) {
  Tensor dx = zeros(shape, dy.dtype());
  put(Put::kAdd, dx, Places("index", dx, tensors), dy);
  return record("index_grad", {dy}, std::move(dx), [tensors = saved(tensors)](const Tensor& ddx) {
    return pick(ddx, loaded(tensors));
  });
}

// x[tensors], of which there is at least one.
Tensor pick(const Tensor& x, const std::vector<Tensor>& tensors) {
  const Places places("index", x, tensors);
  const int64_t unit = size_of(x.dtype());
  Shape offset_shape = Shape::filled(places.shape.rank(), 1);
  for (int64_t d = 0; d < places.common.rank(); ++d) offset_shape[places.at + d] = places.common[d];
  Tensor y = Tensor::empty(places.shape, x.dtype());
  detail::gather_elements(
      y, {static_cast<char*>(x.raw_data()), places.result_strides(unit)},
      places.offsets.contiguous().alias(offset_shape, contiguous_strides(offset_shape), 0), unit);
  return record("index", {x}, std::move(y),
                [shape = x.shape(), tensors = saved(tensors)](const Tensor& dy) {
                  return pick_grad(dy, shape, loaded(tensors));
                });
}

// y[indices] = value, or +=, off the tape.
void assign(const char* op, const Tensor& y, const std::vector<Index>& indices, const Tensor& value,
            bool accumulate) {
  NoGrad guard;
  detail::check_defined(op, {{"x", y}, {"value", value}});
  const Parsed to = Parser(op, y.detach(), indices).result();
  std::optional<Places> places;
  if (any(to.tensors)) places.emplace(op, to.view, to.tensors);
  if (places && value.dtype() != y.dtype())
    throw DTypeError(
        fmt::format("{}: where a tensor picks the places, x and value must have one dtype\n"
                    "  x {}   value {}\n  hint: value.to({})",
                    op, describe(y), describe(value), name(y.dtype())));
  const Shape& shape = places ? places->shape : to.view.shape();
  Shape common = shape;
  if (detail::broadcast_into(common, value.shape()) > 0 || common != shape)
    throw ShapeError(
        fmt::format("{}: the value does not broadcast to the places that it is for\n"
                    "  x {}   places {}   value {}",
                    op, y.shape(), shape, value.shape()));
  const Tensor source = value.shares_storage(y) ? value.detach().clone() : value.detach();
  if (places)
    put(accumulate ? Put::kAdd : Put::kSet, to.view, *places, source);
  else if (accumulate)
    Tensor(to.view).add_(bb::to(source, y.dtype()));
  else
    detail::copy_elements(to.view, source);
}

// index_put(), under the name of its caller.
Tensor put_recorded(const char* op, const Tensor& x, const std::vector<Index>& indices,
                    const Tensor& value, bool accumulate) {
  detail::check_defined(op, {{"x", x}, {"value", value}});
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  detail::copy_elements(y, x);
  assign(op, y, indices, value, accumulate);
  if (!is_floating_point(x.dtype())) return y;
  std::vector<Saved> tensors;
  for (const Index& entry : indices)
    if (const Tensor* tensor = std::get_if<Tensor>(&entry.value)) tensors.emplace_back(*tensor);
  return record(op, {x, value}, std::move(y),
                [indices, tensors = std::move(tensors), accumulate](const Tensor& dy, Needs needs) {
                  loaded(tensors);  // throws where one was changed
                  std::array<Tensor, 2> grads;
                  if (needs[0]) grads[0] = accumulate ? dy : index_put(dy, indices, 0);
                  if (needs[1]) grads[1] = index(dy, indices);
                  return grads;
                });
}

}  // namespace

Tensor index(const Tensor& x, const std::vector<Index>& indices) {
  const Parsed parsed = Parser("index", x, indices).result();
  return any(parsed.tensors) ? pick(parsed.view, parsed.tensors) : parsed.view;
}

Tensor index_put(const Tensor& x, const std::vector<Index>& indices, const Tensor& value,
                 bool accumulate) {
  return put_recorded("index_put", x, indices, value, accumulate);
}

Tensor index_put(const Tensor& x, const std::vector<Index>& indices, Scalar value,
                 bool accumulate) {
  detail::check_defined("index_put", x);
  return index_put(x, indices, detail::filled("index_put", {}, value, x.dtype()), accumulate);
}

Tensor Tensor::index(const std::vector<Index>& indices) const { return bb::index(*this, indices); }
Tensor Tensor::index_put(const std::vector<Index>& indices, const Tensor& value,
                         bool accumulate) const {
  return bb::index_put(*this, indices, value, accumulate);
}
Tensor Tensor::index_put(const std::vector<Index>& indices, Scalar value, bool accumulate) const {
  return bb::index_put(*this, indices, value, accumulate);
}
Tensor& Tensor::index_put_(const std::vector<Index>& indices, const Tensor& value,
                           bool accumulate) {
  detail::check_writable("index_put_", *this);
  detail::check_defined("index_put_", {{"x", *this}, {"value", value}});
  const bool wants_value = value.requires_grad() && is_floating_point(dtype());
  if (autograd::records_mutation(*this, wants_value)) {
    autograd::check_mutable("index_put_", *this);
    autograd::mutate(*this, put_recorded("index_put_", autograd::before_mutation(*this), indices,
                                         value, accumulate));
    return *this;
  }
  assign("index_put_", *this, indices, value, accumulate);
  return autograd::finish_unrecorded("index_put_", *this);
}
Tensor& Tensor::index_put_(const std::vector<Index>& indices, Scalar value, bool accumulate) {
  detail::check_defined("index_put_", *this);
  return index_put_(indices, detail::filled("index_put_", {}, value, dtype()), accumulate);
}

}  // namespace bb
