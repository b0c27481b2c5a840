#include "bb/autograd/ops/einsum.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/linalg.h"
#include "bb/autograd/ops/parts.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"

namespace bb {
namespace {

// Labels are letters; the dimensions of "..." are '0' (the last) to '7'.
constexpr char kLastEllipsis = '0';

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }
std::string in_words(char label) {
  return is_letter(label) ? fmt::format("label '{}'", label) : "a dimension of '...'";
}

struct Term {
  std::string labels;        // before and after the ellipsis
  int64_t ellipsis_at = -1;  // where in labels it lies, or -1
};

// An operand whose dims have different labels.
struct Operand {
  Tensor x;
  std::string labels;
};

class Equation {
 public:
  Equation(std::string_view text, const std::vector<Tensor>& tensors)
      : text_(text), tensors_(tensors) {
    std::string plain;
    for (char c : text)
      if (c != ' ') plain += c;
    const size_t arrow = plain.find("->");
    std::string inputs = plain.substr(0, arrow);
    for (size_t begin = 0, end; begin <= inputs.size(); begin = end + 1) {
      end = std::min(inputs.find(',', begin), inputs.size());
      terms_.push_back(read(inputs.substr(begin, end - begin)));
    }
    if (terms_.size() != tensors.size())
      throw ValueError(fmt::format("einsum: '{}' is for {} operand{}, but {} {} given\n  {}", text,
                                   terms_.size(), terms_.size() == 1 ? "" : "s", tensors.size(),
                                   tensors.size() == 1 ? "is" : "are", operands_text()));
    for (size_t i = 0; i < tensors.size(); ++i) add(i, terms_[i], tensors[i]);
    if (arrow == std::string::npos)
      imply_output();
    else
      read_output(read(plain.substr(arrow + 2)));
  }

  std::vector<Operand> operands;
  std::string output;

  int64_t size(char label) const { return sizes_[static_cast<unsigned char>(label)]; }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw ValueError(fmt::format("einsum: {} in '{}'\n  {}", why, text_, operands_text()));
  }
  std::string operands_text() const { return detail::shapes_of("operand", tensors_); }

  Term read(const std::string& text) const {
    Term term;
    for (size_t i = 0; i < text.size(); ++i) {
      if (is_letter(text[i])) {
        term.labels += text[i];
      } else if (text.compare(i, 3, "...") == 0) {
        if (term.ellipsis_at >= 0) fail("a second '...' within a term");
        term.ellipsis_at = static_cast<int64_t>(term.labels.size());
        i += 2;
      } else {
        fail(fmt::format("'{}' is not a label", text[i]));
      }
    }
    return term;
  }

  static std::string ellipsis(int64_t count) {
    std::string labels;
    while (count-- > 0) labels += static_cast<char>(kLastEllipsis + count);
    return labels;
  }

  void add(size_t number, const Term& term, const Tensor& operand) {
    const int64_t rest = operand.dim() - static_cast<int64_t>(term.labels.size());
    if (rest < 0 || (rest > 0 && term.ellipsis_at < 0))
      throw ShapeError(
          fmt::format("einsum: operand {} has {} dimensions, but its term in '{}' "
                      "labels {}\n  {}",
                      number, operand.dim(), text_, term.labels.size(), operands_text()));
    std::string labels = term.labels;
    if (term.ellipsis_at >= 0) {
      labels.insert(static_cast<size_t>(term.ellipsis_at), ellipsis(rest));
      ellipsis_dims_ = std::max(ellipsis_dims_, rest);
    }
    Tensor x = operand;
    for (size_t i = 0; i < labels.size(); ++i) {
      note_size(labels[i], x.size(static_cast<int64_t>(i)));
      ++count_[static_cast<unsigned char>(labels[i])];
    }
    for (size_t i = 0; i < labels.size();) {  // repeated labels: their diagonal, as last dim
      const size_t again = labels.find(labels[i], i + 1);
      if (again == std::string::npos) {
        ++i;
        continue;
      }
      const char label = labels[i];
      const auto d0 = static_cast<int64_t>(i), d1 = static_cast<int64_t>(again);
      if (x.size(d0) != x.size(d1))
        throw ShapeError(
            fmt::format("einsum: {} has sizes {} and {} within operand {}, in '{}'\n  {}",
                        in_words(label), x.size(d0), x.size(d1), number, text_, operands_text()));
      x = diagonal(x, 0, d0, d1);
      labels.erase(again, 1);
      labels.erase(i, 1);
      labels += label;
    }
    operands.push_back({x, labels});
  }

  void note_size(char label, int64_t size) {
    int64_t& known = sizes_[static_cast<unsigned char>(label)];
    if (known < 0 || known == 1) {
      known = size;
    } else if (size != known && size != 1) {
      throw ShapeError(fmt::format("einsum: {} has sizes {} and {} in '{}'\n  {}", in_words(label),
                                   known, size, text_, operands_text()));
    }
  }

  void imply_output() {
    output = ellipsis(ellipsis_dims_);
    for (int c = 0; c < 128; ++c)
      if (is_letter(static_cast<char>(c)) && count_[static_cast<size_t>(c)] == 1)
        output += static_cast<char>(c);
  }

  void read_output(const Term& term) {
    output = term.labels;
    for (size_t i = 0; i < output.size(); ++i) {
      if (count_[static_cast<unsigned char>(output[i])] == 0)
        fail(fmt::format("{} of the result is in no operand", in_words(output[i])));
      if (output.find(output[i], i + 1) != std::string::npos)
        fail(fmt::format("{} is twice in the result", in_words(output[i])));
    }
    if (term.ellipsis_at >= 0)
      output.insert(static_cast<size_t>(term.ellipsis_at), ellipsis(ellipsis_dims_));
  }

  std::string_view text_;
  const std::vector<Tensor>& tensors_;
  std::vector<Term> terms_;
  int64_t ellipsis_dims_ = 0;  // the most that an operand has
  std::array<int64_t, 256> sizes_ = [] {
    std::array<int64_t, 256> none;
    none.fill(-1);
    return none;
  }();
  std::array<int, 256> count_{};  // of each label in all terms
};

// Without the dims of size 1 that another operand repeats: those broadcast by being absent.
Operand without_ones(const Operand& operand, const Equation& equation) {
  Shape dims;
  std::string labels;
  for (size_t i = 0; i < operand.labels.size(); ++i) {
    const char label = operand.labels[i];
    if (operand.x.shape()[static_cast<int64_t>(i)] == 1 && equation.size(label) != 1)
      dims.push_back(static_cast<int64_t>(i));
    else
      labels += label;
  }
  return {squeeze(operand.x, dims), labels};
}

// Summed over the labels that `wanted` does not have.
Operand summed(const Operand& operand, const std::string& wanted) {
  Shape dims;
  std::string labels;
  for (size_t i = 0; i < operand.labels.size(); ++i) {
    if (has(wanted, operand.labels[i]))
      labels += operand.labels[i];
    else
      dims.push_back(static_cast<int64_t>(i));
  }
  return dims.empty() ? operand : Operand{sum(operand.x, dims), labels};
}

// With its dims in the order of `labels`, which are its own.
Tensor ordered(const Operand& operand, const std::string& labels) {
  Shape order;
  for (char label : labels) order.push_back(static_cast<int64_t>(operand.labels.find(label)));
  return operand.labels == labels ? operand.x : permute(operand.x, order);
}

int64_t count_of(const std::string& labels, const Operand& operand) {
  int64_t count = 1;
  for (char label : labels)
    count *= operand.x.shape()[static_cast<int64_t>(operand.labels.find(label))];
  return count;
}

// The product of two operands, summed over what neither the result nor later operands want.
Operand contracted(const Operand& a, const Operand& b, const std::string& wanted) {
  std::string shared, inner, only_a, only_b;
  for (char label : a.labels) {
    if (!has(b.labels, label))
      only_a += label;
    else
      (has(wanted, label) ? shared : inner) += label;
  }
  for (char label : b.labels)
    if (!has(a.labels, label)) only_b += label;

  const std::string labels = shared + only_a + only_b;
  if (static_cast<int64_t>(labels.size()) > Shape::kMaxRank)
    throw ShapeError(
        fmt::format("einsum: a product of two operands would have {} labels; a tensor "
                    "has at most {} dimensions\n  {} {}   {} {}",
                    labels.size(), Shape::kMaxRank, a.labels, a.x.shape(), b.labels, b.x.shape()));
  Shape shape;
  for (char label : labels)
    shape.push_back(has(a.labels, label) ? count_of({label}, a) : count_of({label}, b));

  if (!detail::is_possible(shape, a.x.dtype()))
    detail::throw_too_large(
        "einsum", fmt::format("{} {}   {} {}", a.labels, a.x.shape(), b.labels, b.x.shape()));
  const int64_t batch = count_of(shared, a), m = count_of(only_a, a), n = count_of(only_b, b);
  const Tensor left = reshape(ordered(a, shared + only_a + inner), {batch, m, count_of(inner, a)});
  const Tensor right = ordered(b, shared + inner + only_b);
  const DType dtype = promote_types(left.dtype(), right.dtype());  // sums of integers are int64
  const Tensor product =
      inner.empty()
          ? left * reshape(right, {batch, 1, n})
          : matmul(to(left, dtype), to(reshape(right, {batch, count_of(inner, a), n}), dtype));
  return {reshape(product, shape), labels};
}

// The labels of the result and of all operands but i and j.
std::string wanted_beside(const std::vector<Operand>& operands, size_t i, size_t j,
                          const std::string& output) {
  std::string labels = output;
  for (size_t k = 0; k < operands.size(); ++k)
    if (k != i && k != j) labels += operands[k].labels;
  return labels;
}

// Which operands to contract next: the first two, or, where their product would have more labels
// than a tensor has dimensions, those with the fewest.
std::pair<size_t, size_t> next_pair(const std::vector<Operand>& operands,
                                    const std::string& output) {
  const auto labels_of_product = [&](size_t i, size_t j) {
    const std::string wanted = wanted_beside(operands, i, j, output);
    int64_t count = 0;
    for (char label : operands[i].labels) count += has(wanted, label);
    for (char label : operands[j].labels)
      count += has(wanted, label) && !has(operands[i].labels, label);
    return count;
  };
  std::pair<size_t, size_t> best{0, 1};
  int64_t fewest = labels_of_product(0, 1);
  if (fewest <= Shape::kMaxRank) return best;
  for (size_t i = 0; i < operands.size(); ++i)
    for (size_t j = i + 1; j < operands.size(); ++j)
      if (const int64_t count = labels_of_product(i, j); count < fewest) {
        best = {i, j};
        fewest = count;
      }
  return best;
}

}  // namespace

Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands) {
  if (operands.empty()) throw ValueError("einsum: there are no operands");
  detail::check_defined("einsum", "operand", operands);
  for (const Tensor& x : operands) {
    if (x.dtype() == operands[0].dtype() && x.dtype() != kBool) continue;
    std::string text;
    for (size_t i = 0; i < operands.size(); ++i)
      text += fmt::format("{}operand {} {}", i > 0 ? "   " : "", i, describe(operands[i]));
    throw DTypeError(
        fmt::format("einsum: all operands must have one dtype, not bool\n  {}\n"
                    "  hint: convert with to(kFloat32)",
                    text));
  }
  const Equation parsed(equation, operands);

  std::vector<Operand> left;
  for (const Operand& operand : parsed.operands) left.push_back(without_ones(operand, parsed));
  while (left.size() > 1) {
    const auto [i, j] = next_pair(left, parsed.output);
    const std::string wanted = wanted_beside(left, i, j, parsed.output);
    const Operand a = summed(left[i], wanted + left[j].labels);
    const Operand b = summed(left[j], wanted + a.labels);
    left[i] = contracted(a, b, wanted);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(j));
  }
  const Operand result = summed(left[0], parsed.output);
  return ordered(result, parsed.output);
}

}  // namespace bb
