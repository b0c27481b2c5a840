#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <vector>

#include "bb/core/tensor.h"

/// What ops ask of their operands before any work. The errors name the op that was called and show
/// its operands, called as in its declaration.
namespace bb::detail {

struct Role {
  const char* name;
  const Tensor& x;
};
using Operands = std::initializer_list<Role>;

/// "a float32 [2, 3]   b undefined".
std::string text_of(Operands operands);
/// "a [2, 3]   b undefined".
std::string shapes_of(Operands operands);

[[noreturn]] void throw_undefined(const char* op, Operands operands);

/// Throws ValueError where one of them is undefined.
inline void check_defined(const char* op, Operands operands) {
  for (const Role& operand : operands)
    if (!operand.x.defined()) throw_undefined(op, operands);
}
inline void check_defined(const char* op, const Tensor& x) { check_defined(op, {{"x", x}}); }

/// The same for a list of tensors, each called by `name` and its number: "tensor 0 [2, 3]   tensor
/// 1 [4]"; of a long list, the first ones.
std::string shapes_of(const char* name, const std::vector<Tensor>& list);
void check_defined(const char* op, const char* name, const std::vector<Tensor>& list);

/// Throws ValueError for a change in place, outside inference mode, of a tensor made in it.
void check_not_inference(const char* op, const Tensor& x);

/// The shape that all broadcast to, the last `without` dims of each left out. Throws ShapeError
/// where they do not, and where a whole result could not be held.
Shape broadcast(const char* op, Operands operands, int64_t without = 0);

/// By dim, whether it is among `dims`, in any order. Throws IndexError for one out of range,
/// ValueError for one given twice.
std::array<bool, Shape::kMaxRank> marked_dims(const char* op, const Tensor& x, const Shape& dims);

/// Whether there can be a tensor of that shape: its bytes are counted in int64.
bool is_possible(const Shape& shape, DType dtype);
/// ShapeError for a result that is not; `operands` are what it follows from, as text.
[[noreturn]] void throw_too_large(const char* op, const std::string& operands);
/// Throws ShapeError unless a result of that shape is possible.
void check_result(const char* op, const Shape& result, DType dtype, Operands operands);
/// The elements of a tensor that is to be made. Throws ShapeError for a negative size, and for more
/// than there can be.
int64_t checked_numel(const char* op, const Shape& shape, DType dtype);
/// Throws ShapeError for a result of more dimensions than a tensor can have.
void check_rank(const char* op, int64_t rank, Operands operands);

/// The indices of element number `flat` of a tensor, row-major.
Shape position(const Shape& shape, int64_t flat);

}  // namespace bb::detail

namespace bb {

/// `dim` of x counted from the front, for -rank <= dim < rank (a 0-d tensor counts as rank 1).
/// Throws IndexError otherwise, ValueError for an undefined x.
inline int64_t normalize_dim(const char* op, int64_t dim, const Tensor& x) {
  detail::check_defined(op, x);
  return normalize_dim(op, dim, x.shape());
}

}  // namespace bb
