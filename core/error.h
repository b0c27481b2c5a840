#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace bb {

/// Base of everything that the library throws.
/// A message names the op, the rule, every operand with its role, and the way out where there is
/// one:
///   matmul: inner dimensions differ
///     a [2, 3]   b [4, 5]
///     hint: a.size(-1) must equal b.size(-2)
/// Inside a module the message starts with the module's path ("encoder.fc2: ...").
class Error : public std::exception {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

  /// Puts `name` before the path that the message already starts with. Modules call it, innermost
  /// first, while the exception passes through them.
  void prepend_path(std::string_view name);

  /// Where the message starts with an op's name, puts `op` in its place: for an op that is but
  /// another one by its own name, as exp_() is exp().
  void rename_op(std::string_view op);

 private:
  std::string message_;
  bool has_path_ = false;
};

/// Ranks or sizes that do not fit.
struct ShapeError : Error {
  using Error::Error;
};
/// An element type that the op does not take.
struct DTypeError : Error {
  using Error::Error;
};
/// A dimension, index or label out of range.
struct IndexError : Error {
  using Error::Error;
};
/// An argument outside its domain, or a call out of order (fit before compile).
struct ValueError : Error {
  using Error::Error;
};
/// A file that is missing, truncated, corrupted or cannot be written.
struct IoError : Error {
  using Error::Error;
};
/// A bug of the library, never of the caller.
struct InternalError : Error {
  using Error::Error;
};

}  // namespace bb
