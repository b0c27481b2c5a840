#pragma once

#include "bb/core/tensor.h"

namespace bb::detail {

/// Throws DTypeError for other than floating point, ValueError for an undefined x; `role` is what
/// the message calls x.
void check_floating(const char* op, const Tensor& x, const char* role = "x");

/// Throws DTypeError where either operand is bool: masks are not subtracted.
void check_subtracts(const char* op, const Tensor& a, const Tensor& b);
void check_subtracts(const char* op, const Tensor& a, Scalar b);
void check_subtracts(const char* op, Scalar a, const Tensor& b);

}  // namespace bb::detail
