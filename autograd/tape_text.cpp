#include "bb/autograd/tape_text.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "bb/autograd/tape.h"

namespace bb::tape {
namespace {

using autograd::Node;

struct Line {
  const Node* node;
  size_t number;
  std::vector<size_t> inputs;
  int64_t kept_bytes;
};

struct Listing {
  std::vector<Line> lines;
  int64_t kept_bytes = 0;  // each value once
};

int64_t bytes(const Tensor& x) { return x.numel() * size_of(x.dtype()); }

Listing list(std::span<const Tensor> outputs) {
  std::vector<const Node*> nodes;
  std::unordered_set<const Node*> seen;
  const auto reach = [&](const Node* node) {
    if (node && seen.insert(node).second) nodes.push_back(node);
  };
  for (const Tensor& y : outputs) reach(autograd::detail::node_of(y));
  for (size_t i = 0; i < nodes.size(); ++i)
    for (const auto& input : nodes[i]->inputs()) reach(input.get());
  // Leaves, which have position 0, in the order in which they are first needed.
  std::reverse(nodes.begin(), nodes.end());
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const Node* a, const Node* b) { return a->position < b->position; });

  Listing result;
  std::unordered_map<const Node*, size_t> numbers;
  std::unordered_set<const void*> values;
  for (const Node* node : nodes) {
    Line line{node, numbers.size(), {}, 0};
    numbers.emplace(node, line.number);
    for (const auto& input : node->inputs())
      if (input) line.inputs.push_back(numbers.at(input.get()));
    std::vector<Tensor> saved;
    node->collect_saved(saved);
    for (const Tensor& x : saved) {
      line.kept_bytes += bytes(x);
      if (values.insert(x.raw_data()).second) result.kept_bytes += bytes(x);
    }
    result.lines.push_back(std::move(line));
  }
  return result;
}

std::string bytes_text(int64_t n) {
  if (n < 10'000) return fmt::format("{} B", n);
  if (n < 10'000'000) return fmt::format("{:.1f} kB", static_cast<double>(n) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(n) / 1e6);
}

}  // namespace

std::string to_text(std::span<const Tensor> outputs) {
  const Listing listing = list(outputs);
  std::string text;
  size_t leaves = 0;
  for (const Line& line : listing.lines) {
    text += fmt::format("#{}  {}  {} {}", line.number, line.node->name, name(line.node->dtype),
                        line.node->shape);
    if (line.node->is_leaf()) ++leaves;
    if (!line.inputs.empty()) text += fmt::format("  of #{}", fmt::join(line.inputs, " #"));
    if (line.kept_bytes > 0) text += fmt::format("  keeps {}", bytes_text(line.kept_bytes));
    text += '\n';
  }
  text += fmt::format("{} records, {} leaves, {} kept for backward\n",
                      listing.lines.size() - leaves, leaves, bytes_text(listing.kept_bytes));
  return text;
}

std::string to_dot(std::span<const Tensor> outputs) {
  const Listing listing = list(outputs);
  std::string text = "digraph tape {\n  node [fontname=\"sans-serif\"];\n";
  for (const Line& line : listing.lines) {
    text += fmt::format("  n{} [label=\"{}\\n{} {}", line.number, line.node->name,
                        name(line.node->dtype), line.node->shape);
    if (line.kept_bytes > 0) text += fmt::format("\\nkeeps {}", bytes_text(line.kept_bytes));
    text += fmt::format("\"{}];\n", line.node->is_leaf() ? ", shape=box" : "");
    for (size_t input : line.inputs) text += fmt::format("  n{} -> n{};\n", input, line.number);
  }
  return text + "}\n";
}

}  // namespace bb::tape
