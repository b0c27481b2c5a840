#include "bb/core/elementwise.h"
#include "bb/core/checks.h"

#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

namespace bb::detail {
namespace {

// An input of a kernel: a tensor, or a number seen as one element repeated.
class Argument {
 public:
  Argument(const Tensor& x, DType dtype) : x_(&x), unit_(size_of(dtype)) {
    if (x.dtype() != dtype) {
      owned_ = converted(x, dtype);
      x_ = &owned_;
    }
  }
  Argument(Scalar value, DType dtype) {
    visit(dtype, [&]<class T>() { *reinterpret_cast<T*>(bytes_) = value.to<T>(); });
  }

  Argument(const Argument&) = delete;  // x_ may point into this
  Argument& operator=(const Argument&) = delete;

  /// Bytes from one element to the next of a plain operand.
  int64_t step() const { return x_ ? unit_ : 0; }
  bool is_plain(const Shape& shape) const {
    return !x_ || (x_->shape() == shape && x_->is_contiguous());
  }
  char* data() const { return x_ ? static_cast<char*>(x_->raw_data()) : const_cast<char*>(bytes_); }
  Operand operand(const Shape& shape) const {
    return x_ ? detail::operand(*x_, shape) : Operand{data(), Shape::filled(shape.rank(), 0)};
  }

 private:
  const Tensor* x_ = nullptr;
  int64_t unit_ = 0;
  Tensor owned_;
  alignas(8) char bytes_[8] = {};
};

// Runs a kernel over n elements that lie without gaps, an input of step 0 repeated: data[0] is the
// output.
template <size_t N>
void run_plain(kernels::Row row, double cost_ns, int64_t n, const std::array<char*, N>& data,
               const std::array<int64_t, N>& steps) {
  parallel_for(n, cost_ns, [&](int64_t begin, int64_t end) {
    std::array<char*, N> from;
    for (size_t i = 0; i < N; ++i) from[i] = data[i] + begin * steps[i];
    row(end - begin, from.data(), steps.data());
  });
}

char* bytes_of(const Tensor& x) { return static_cast<char*>(x.raw_data()); }

// Runs a kernel of N inputs over `y`, whose shape they broadcast to.
template <size_t N>
void run(const kernels::Elementwise& f, DType dtype, const Tensor& y,
         const std::array<const Argument*, N>& inputs) {
  const kernels::Row row = f[dtype];
  const Shape& shape = y.shape();
  bool plain = y.is_contiguous();
  for (const Argument* input : inputs) plain = plain && input->is_plain(shape);
  if (plain) {
    std::array<char*, N + 1> data{bytes_of(y)};
    std::array<int64_t, N + 1> steps{size_of(y.dtype())};
    for (size_t i = 0; i < N; ++i) {
      data[i + 1] = inputs[i]->data();
      steps[i + 1] = inputs[i]->step();
    }
    return run_plain<N + 1>(row, f.cost_ns, y.numel(), data, steps);
  }
  std::array<Operand, N + 1> operands{operand(y, shape)};
  for (size_t i = 0; i < N; ++i) operands[i + 1] = inputs[i]->operand(shape);
  for_each_row(shape, operands, f.cost_ns, row);
}

// "a bool [2]   b 1".
std::string terms_text(std::span<const Term> operands) {
  std::string text;
  for (const Term& x : operands) {
    const std::string value = x.tensor()            ? describe(*x.tensor())
                              : x.value().is_real() ? fmt::format("{}", x.value().to_double())
                                                    : std::to_string(x.value().to<int64_t>());
    text += fmt::format("{}{} {}", text.empty() ? "" : "   ", x.name(), value);
  }
  return text;
}

// The dtype that f computes in for operands of `dtype` together.
DType compute_type(const char* op, const kernels::Elementwise& f, DType dtype,
                   std::initializer_list<Term> operands) {
  if (f[dtype]) return dtype;
  if (!f[kInt64]) return kFloat32;
  throw DTypeError(fmt::format("{}: {} is not supported\n  {}\n  hint: convert with to(kInt64)", op,
                               name(dtype), terms_text(operands)));
}

Tensor binary(const kernels::Elementwise& f, DType in, DType out, const Shape& shape,
              const Argument& a, const Argument& b) {
  Tensor y = Tensor::empty(shape, out);
  run<2>(f, in, y, {&a, &b});
  return y;
}

void in_place(const kernels::Elementwise& f, DType dtype, const Tensor& a, const Argument& b) {
  const Argument before(a, dtype);
  run<2>(f, dtype, a, {&before, &b});
}

int kind(DType dtype) { return is_floating_point(dtype) ? 2 : dtype == kBool ? 0 : 1; }

void check_holds(const char* op, const Tensor& a, DType result) {
  if (kind(result) > kind(a.dtype()))
    throw DTypeError(
        fmt::format("{}: the result is {}, which {} cannot hold\n"
                    "  hint: convert first, x = x.to({})",
                    op, name(result), describe(a), name(result)));
}

}  // namespace

namespace {

DType result_type(std::span<const Term> operands) {
  const auto larger = [](DType a, std::optional<DType> b) { return b ? promote_types(a, *b) : a; };
  std::optional<DType> arrays, numbers;  // numbers: of 0-d tensors
  for (const Term& x : operands) {
    if (!x.tensor()) continue;
    std::optional<DType>& place = x.tensor()->dim() == 0 ? numbers : arrays;
    place = larger(x.tensor()->dtype(), place);
  }
  DType dtype = arrays ? *arrays : numbers.value();
  if (numbers && kind(*numbers) > kind(dtype)) dtype = *numbers;
  for (const Term& x : operands)
    if (!x.tensor()) dtype = x.value().promote(dtype);
  return dtype;
}

// The shape that the tensors among the operands broadcast to.
Shape broadcast_terms(const char* op, std::span<const Term> operands) {
  const auto shapes = [&] {
    std::string text;
    for (const Term& x : operands)
      if (x.tensor())
        text += fmt::format("{}{} {}", text.empty() ? "" : "   ", x.name(), x.tensor()->shape());
    return text;
  };
  Shape shape;
  for (const Term& x : operands) {
    if (!x.tensor()) continue;
    const Shape& other = x.tensor()->shape();
    if (const int64_t dim = broadcast_into(shape, other); dim > 0)
      throw_no_broadcast(op, dim, shape[shape.rank() - dim], other[other.rank() - dim], shapes());
  }
  if (!is_possible(shape, kFloat64)) throw_too_large(op, shapes());
  return shape;
}

void check_terms(const char* op, std::span<const Term> operands) {
  for (const Term& x : operands)
    if (x.tensor()) check_defined(op, {{x.name(), *x.tensor()}});
}

template <size_t N, size_t... k>
Tensor apply_to(std::index_sequence<k...>, const char* op, const kernels::Elementwise& f,
                const Term (&operands)[N]) {
  check_terms(op, operands);
  const DType dtype = compute_type(op, f, result_type(operands), {operands[k]...});
  const Shape shape = broadcast_terms(op, operands);
  Tensor y = Tensor::empty(shape, dtype);
  const auto argument = [&](const Term& x) {
    return x.tensor() ? Argument(*x.tensor(), dtype) : Argument(x.value(), dtype);
  };
  const Argument arguments[N]{argument(operands[k])...};
  run<N>(f, dtype, y, {&arguments[k]...});
  return y;
}

}  // namespace

Tensor apply(const char* op, const kernels::Elementwise& f, const Term (&operands)[3]) {
  return apply_to(std::make_index_sequence<3>(), op, f, operands);
}

Tensor apply(const char* op, const kernels::Elementwise& f, const Term (&operands)[4]) {
  return apply_to(std::make_index_sequence<4>(), op, f, operands);
}

DType result_type(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype()) return a.dtype();
  if ((a.dim() == 0) == (b.dim() == 0)) return promote_types(a.dtype(), b.dtype());
  const Tensor& number = a.dim() == 0 ? a : b;
  const Tensor& array = a.dim() == 0 ? b : a;
  return kind(number.dtype()) > kind(array.dtype()) ? number.dtype() : array.dtype();
}

Tensor converted(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor y = Tensor::empty(x.shape(), dtype);
  copy_elements(y, x);
  return y;
}

Tensor apply(const char* op, const kernels::Elementwise& f, const Tensor& x) {
  check_defined(op, x);
  const DType dtype = compute_type(op, f, x.dtype(), {{x, "x"}});
  check_result(op, x.shape(), dtype, {{"x", x}});
  Tensor y = Tensor::empty(x.shape(), dtype);
  const Argument argument(x, dtype);
  run<1>(f, dtype, y, {&argument});
  return y;
}

namespace {

Shape common_shape(const char* op, const Tensor& a, const Tensor& b, Names names) {
  return a.shape() == b.shape() ? a.shape() : broadcast(op, {{names.a, a}, {names.b, b}});
}

}  // namespace

Tensor apply(const char* op, const kernels::Elementwise& f, const Tensor& a, const Tensor& b,
             Names names) {
  check_defined(op, {{names.a, a}, {names.b, b}});
  // The short way, for small tensors' sake.
  if (a.dtype() == b.dtype() && a.shape() == b.shape() && a.is_contiguous() && b.is_contiguous() &&
      f[a.dtype()]) {
    Tensor y = Tensor::empty(a.shape(), a.dtype());
    const int64_t unit = size_of(a.dtype());
    run_plain<3>(f[a.dtype()], f.cost_ns, y.numel(), {bytes_of(y), bytes_of(a), bytes_of(b)},
                 {unit, unit, unit});
    return y;
  }
  const DType dtype = compute_type(op, f, result_type(a, b), {{a, names.a}, {b, names.b}});
  const Shape shape = common_shape(op, a, b, names);
  return binary(f, dtype, dtype, shape, Argument(a, dtype), Argument(b, dtype));
}

Tensor apply(const char* op, const kernels::Elementwise& f, const Tensor& a, Scalar b,
             Names names) {
  check_defined(op, {{names.a, a}});
  const DType dtype = compute_type(op, f, b.promote(a.dtype()), {{a, names.a}, {b, names.b}});
  return binary(f, dtype, dtype, a.shape(), Argument(a, dtype), Argument(b, dtype));
}

Tensor apply(const char* op, const kernels::Elementwise& f, Scalar a, const Tensor& b,
             Names names) {
  check_defined(op, {{names.b, b}});
  const DType dtype = compute_type(op, f, a.promote(b.dtype()), {{a, names.a}, {b, names.b}});
  return binary(f, dtype, dtype, b.shape(), Argument(a, dtype), Argument(b, dtype));
}

Tensor compare(const char* op, const kernels::Elementwise& f, const Tensor& a, const Tensor& b) {
  check_defined(op, {{"a", a}, {"b", b}});
  const DType dtype = result_type(a, b);
  return binary(f, dtype, kBool, common_shape(op, a, b, {}), Argument(a, dtype),
                Argument(b, dtype));
}

Tensor compare(const char* op, const kernels::Elementwise& f, const Tensor& a, Scalar b) {
  check_defined(op, {{"a", a}});
  const DType dtype = b.promote(a.dtype());
  return binary(f, dtype, kBool, a.shape(), Argument(a, dtype), Argument(b, dtype));
}

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  const auto operands = {Role{"mask", mask}, Role{"a", a}, Role{"b", b}};
  check_defined("where", operands);
  if (mask.dtype() != kBool)
    throw DTypeError(fmt::format(
        "where: the mask must be bool\n  {}\n  hint: compare, as mask != 0", text_of(operands)));
  const DType dtype = result_type(a, b);
  const Shape shape = broadcast("where", operands);
  Tensor y = Tensor::empty(shape, dtype);
  const Argument choice(mask, kBool), first(a, dtype), second(b, dtype);
  run<3>(kernels::elementwise().where, dtype, y, {&choice, &first, &second});
  return y;
}

void check_in_place(const char* op, const kernels::Elementwise& f, const Tensor& a,
                    const Tensor& b) {
  check_defined(op, {{"a", a}, {"b", b}});
  check_holds(op, a, compute_type(op, f, result_type(a, b), {{a, "a"}, {b, "b"}}));
  if (broadcast_shapes(op, a.shape(), b.shape()) != a.shape())
    throw ShapeError(
        fmt::format("{}: the operand is larger than the tensor it would change\n"
                    "  tensor {}   operand {}",
                    op, a.shape(), b.shape()));
}

void check_in_place(const char* op, const kernels::Elementwise& f, const Tensor& a, Scalar b) {
  check_holds(op, a, compute_type(op, f, b.promote(a.dtype()), {{a, "a"}, {b, "b"}}));
}

void check_in_place(const char* op, const Tensor& a, const Tensor& result) {
  check_holds(op, a, result.dtype());
  if (result.shape() != a.shape())
    throw ShapeError(
        fmt::format("{}: the result has another shape than the tensor it would change\n"
                    "  tensor {}   result {}",
                    op, a.shape(), result.shape()));
}

void apply_in_place(const char* op, const kernels::Elementwise& f, const Tensor& x) {
  check_holds(op, x, compute_type(op, f, x.dtype(), {{x, "x"}}));
  const Argument before(x, x.dtype());
  run<1>(f, x.dtype(), x, {&before});
}

void apply_in_place(const char* op, const kernels::Elementwise& f, const Tensor& a,
                    const Tensor& b) {
  check_in_place(op, f, a, b);
  // An operand that shares elements may be overwritten before it is read.
  const bool moved =
      a.raw_data() != b.raw_data() || a.shape() != b.shape() || a.strides() != b.strides();
  const Tensor operand = moved && b.shares_storage(a) ? b.detach().clone() : b;
  in_place(f, a.dtype(), a, Argument(operand, a.dtype()));
}

void apply_in_place(const char* op, const kernels::Elementwise& f, const Tensor& a, Scalar b) {
  check_in_place(op, f, a, b);
  in_place(f, a.dtype(), a, Argument(b, a.dtype()));
}

}  // namespace bb::detail
