#include "bb/autograd/tape_text.h"

#include <gtest/gtest.h>

#include "bb/bb.h"

namespace bb {
namespace {

TEST(TapeText, ListsRecordsWithShapesInputsAndMemory) {
  const Tensor x = ones({2, 3}).requires_grad_(), w = ones({3}).requires_grad_();
  const Tensor y = (x * w).exp().sum();
  EXPECT_EQ(tape::to_text(y),
            "#0  leaf  float32 [3]\n"
            "#1  leaf  float32 [2, 3]\n"
            "#2  mul  float32 [2, 3]  of #1 #0  keeps 36 B\n"
            "#3  exp  float32 [2, 3]  of #2  keeps 24 B\n"
            "#4  sum  float32 []  of #3\n"
            "3 records, 2 leaves, 60 B kept for backward\n");
}

TEST(TapeText, CountsAValueThatSeveralKeepOnce) {
  const Tensor x = ones({1000}).requires_grad_();
  const Tensor y = sin(x) + cos(x);
  const std::string text = tape::to_text(y);
  EXPECT_NE(text.find("sin  float32 [1000]  of #0  keeps 4000 B"), std::string::npos) << text;
  EXPECT_NE(text.find("3 records, 1 leaves, 4000 B kept"), std::string::npos) << text;
}

TEST(TapeText, ShowsWhatBackwardFreed) {
  const Tensor x = ones({2}).requires_grad_();
  const Tensor y = sin(x).sum();
  y.backward();
  EXPECT_EQ(tape::to_text(y), "#0  sum  float32 []\n1 records, 0 leaves, 0 B kept for backward\n");
}

TEST(TapeText, CheckpointsKeepNothing) {
  const Tensor x = ones({1000}).requires_grad_();
  const Tensor y = checkpoint([](const Tensor& v) { return sin(sin(v)); }, {x});
  EXPECT_NE(tape::to_text(y).find("2 records, 1 leaves, 0 B kept"), std::string::npos)
      << tape::to_text(y);
}

TEST(TapeDot, IsAGraphOfTheSame) {
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_EQ(tape::to_dot(sin(x)),
            "digraph tape {\n"
            "  node [fontname=\"sans-serif\"];\n"
            "  n0 [label=\"leaf\\nfloat32 [2]\", shape=box];\n"
            "  n1 [label=\"sin\\nfloat32 [2]\\nkeeps 8 B\"];\n"
            "  n0 -> n1;\n"
            "}\n");
}

TEST(TapeText, OfWhatIsNotRecordedIsEmpty) {
  EXPECT_EQ(tape::to_text(ones({2})), "0 records, 0 leaves, 0 B kept for backward\n");
}

}  // namespace
}  // namespace bb
