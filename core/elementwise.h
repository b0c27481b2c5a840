#pragma once

#include <optional>

#include "bb/core/checks.h"
#include "bb/core/kernels/elementwise.h"
#include "bb/core/tensor.h"

/// From tensors to row kernels: promotion, broadcasting, a new output. Off the tape; the
/// differentiable ops, the optimizers and the metrics compute through these.
namespace bb::detail {

/// dtype of an op over both, by PyTorch's rules: a 0-d tensor only widens another's dtype if it is
/// of a higher kind (bool < integer < floating point).
DType result_type(const Tensor& a, const Tensor& b);

/// f(x). Integers become float32 where f has no integer form. Throws DTypeError otherwise.
Tensor apply(const char* op, const kernels::Elementwise& f, const Tensor& x);

/// What errors call two operands.
struct Names {
  const char* a = "a";
  const char* b = "b";
};

/// f(a, b) over the broadcast shape, in result_type(a, b). Throws ShapeError, DTypeError, and
/// ValueError for an undefined operand.
Tensor apply(const char* op, const kernels::Elementwise& f, const Tensor& a, const Tensor& b,
             Names names = {});
Tensor apply(const char* op, const kernels::Elementwise& f, const Tensor& a, Scalar b,
             Names names = {});
Tensor apply(const char* op, const kernels::Elementwise& f, Scalar a, const Tensor& b,
             Names names = {});

/// An operand of a kernel of three or more, and what errors call it: a tensor, or a number.
class Term {
 public:
  Term(const Tensor& x, const char* name = "x") : tensor_(&x), name_(name) {}
  Term(Scalar value, const char* name = "number") : value_(value), name_(name) {}

  /// Null for a number.
  const Tensor* tensor() const { return tensor_; }
  Scalar value() const { return value_; }
  const char* name() const { return name_; }

 private:
  const Tensor* tensor_ = nullptr;
  Scalar value_ = 0;
  const char* name_;
};

/// f(a, b, c) or f(a, b, c, d) over the broadcast shape; dtypes as above, numbers widen the kind
/// alone. At least one operand is a tensor.
///   apply("lerp", elementwise().lerp, {{a, "a"}, {b, "b"}, {0.5, "weight"}});
Tensor apply(const char* op, const kernels::Elementwise& f, const Term (&operands)[3]);
Tensor apply(const char* op, const kernels::Elementwise& f, const Term (&operands)[4]);

/// The same for kernels whose output is bool.
Tensor compare(const char* op, const kernels::Elementwise& f, const Tensor& a, const Tensor& b);
Tensor compare(const char* op, const kernels::Elementwise& f, const Tensor& a, Scalar b);

/// a where mask is set, else b.
Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);

/// Throws what apply_in_place() would: ShapeError where b's shape is larger, DTypeError where a
/// cannot hold the result.
void check_in_place(const char* op, const kernels::Elementwise& f, const Tensor& a,
                    const Tensor& b);
void check_in_place(const char* op, const kernels::Elementwise& f, const Tensor& a, Scalar b);
/// The same for a result that is there: of another shape than a, or of a dtype that a cannot hold.
void check_in_place(const char* op, const Tensor& a, const Tensor& result);

/// x = f(x). Throws DTypeError where x cannot hold the result.
void apply_in_place(const char* op, const kernels::Elementwise& f, const Tensor& x);

/// a = f(a, b), b broadcast to a's shape and converted to a's dtype.
void apply_in_place(const char* op, const kernels::Elementwise& f, const Tensor& a,
                    const Tensor& b);
void apply_in_place(const char* op, const kernels::Elementwise& f, const Tensor& a, Scalar b);

/// x itself where it has that dtype, else a converted copy.
Tensor converted(const Tensor& x, DType dtype);

}  // namespace bb::detail
