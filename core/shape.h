#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace bb {

/// Sizes, strides or dims of a tensor: up to kMaxRank numbers, held inline so that no shape
/// allocates.
class Shape {
 public:
  static constexpr int64_t kMaxRank = 8;

  Shape() {}  // values_ is left unset on purpose; `= default` would not allow a const Shape
  Shape(std::initializer_list<int64_t> values)
      : Shape(std::span<const int64_t>(values.begin(), values.size())) {}
  /// Throws ShapeError for more than kMaxRank values.
  explicit Shape(std::span<const int64_t> values) {
    if (values.size() > kMaxRank) throw_rank(values);
    for (int64_t value : values) values_[static_cast<size_t>(rank_++)] = value;
  }
  /// `rank` numbers, all `value`.
  static Shape filled(int64_t rank, int64_t value);

  int64_t rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  int64_t operator[](int64_t i) const { return values_[static_cast<size_t>(i)]; }
  int64_t& operator[](int64_t i) { return values_[static_cast<size_t>(i)]; }
  int64_t back() const { return (*this)[rank_ - 1]; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return values_.data() + rank_; }
  int64_t* begin() { return values_.data(); }
  int64_t* end() { return values_.data() + rank_; }

  void push_back(int64_t value);
  void insert(int64_t position, int64_t value);
  void erase(int64_t position);

  /// Product of the sizes; 1 for rank 0. Throws ShapeError where it leaves int64_t.
  int64_t numel() const {
    int64_t n = 1;
    bool overflow = false, zero = false;
    for (int64_t size : *this) {
      overflow |= __builtin_mul_overflow(n, size, &n);
      zero |= size == 0;
    }
    if (zero) return 0;
    if (overflow) throw_too_many();
    return n;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int64_t i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  [[noreturn]] static void throw_rank(std::span<const int64_t> values);
  [[noreturn]] void throw_too_many() const;

  std::array<int64_t, kMaxRank> values_;  // the first rank_ are set
  int64_t rank_ = 0;
};

/// "[2, 3]".
std::string to_string(const Shape& shape);

/// Strides of a row-major tensor without gaps.
Shape contiguous_strides(const Shape& shape);

/// True where elements of `shape` with `strides` lie row-major without gaps.
bool is_contiguous(const Shape& shape, const Shape& strides);

/// The shape that NumPy's broadcasting gives to a and b. `op` names the caller in the ShapeError.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

namespace detail {

/// Makes `shape` what it and `other` broadcast to, and returns 0; or returns the dimension, counted
/// from the end, at which they do not.
int64_t broadcast_into(Shape& shape, const Shape& other);
/// The ShapeError for that: the sizes there, and the operands as text.
[[noreturn]] void throw_no_broadcast(const char* op, int64_t dim_from_end, int64_t a, int64_t b,
                                     const std::string& operands);

}  // namespace detail

/// `dim` counted from the front, for -rank <= dim < rank of the shape (a 0-d tensor counts as rank
/// 1). Throws IndexError otherwise; `role` is what it calls the tensor of that shape.
int64_t normalize_dim(const char* op, int64_t dim, const Shape& shape, const char* role = "x");
/// The same for a dim of a result that has one dimension more than the shape.
int64_t normalize_new_dim(const char* op, int64_t dim, const Shape& shape, const char* role = "x");

}  // namespace bb

/// By to_string(): text from fmt's own templates would be compiled into every file that names a
/// shape in an error.
template <>
struct fmt::formatter<bb::Shape> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const bb::Shape& shape, Context& context) const {
    const std::string text = bb::to_string(shape);
    return fmt::formatter<fmt::string_view>::format(text, context);
  }
};
