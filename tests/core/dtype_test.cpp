#include "bb/core/dtype.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../message_of.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/core/creation.h"
#include "bb/core/elementwise.h"

namespace bb {
namespace {

constexpr DType kAll[] = {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64};

std::string pair(DType a, DType b) { return fmt::format("{} {}", name(a), name(b)); }

TEST(DType, HasNameAndSize) {
  const char* names[] = {"bool", "uint8", "int32", "int64", "float32", "float64"};
  const int64_t sizes[] = {1, 1, 4, 8, 4, 8};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(name(kAll[i]), names[i]);
    EXPECT_EQ(size_of(kAll[i]), sizes[i]);
    EXPECT_EQ(is_floating_point(kAll[i]), i >= 4);
  }
  EXPECT_EQ(name(kCPU), "cpu");
}

TEST(DType, VisitGivesTheElementType) {
  for (DType dtype : kAll) {
    visit(dtype, [dtype]<class T>() {
      EXPECT_EQ(dtype_of<T>, dtype);
      EXPECT_EQ(sizeof(T), static_cast<size_t>(size_of(dtype)));
    });
  }
  EXPECT_EQ(visit_floating(kFloat32, []<class T>() { return sizeof(T); }), sizeof(float));
  EXPECT_EQ(visit_floating(kFloat64, []<class T>() { return sizeof(T); }), sizeof(double));
}

// torch.promote_types(row, column), in the order of kAll.
constexpr DType kPromoted[6][6] = {
    {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64},
    {kUInt8, kUInt8, kInt32, kInt64, kFloat32, kFloat64},
    {kInt32, kInt32, kInt32, kInt64, kFloat32, kFloat64},
    {kInt64, kInt64, kInt64, kInt64, kFloat32, kFloat64},
    {kFloat32, kFloat32, kFloat32, kFloat32, kFloat32, kFloat64},
    {kFloat64, kFloat64, kFloat64, kFloat64, kFloat64, kFloat64},
};

TEST(Promotion, OfTensorsOfEqualStandingIsPyTorchs) {
  for (size_t i = 0; i < 6; ++i)
    for (size_t j = 0; j < 6; ++j) {
      EXPECT_EQ(promote_types(kAll[i], kAll[j]), kPromoted[i][j]) << pair(kAll[i], kAll[j]);
      for (const Shape& shape : {Shape{2}, Shape{}}) {
        const Tensor a = ones(shape, kAll[i]), b = ones(shape, kAll[j]);
        EXPECT_EQ(detail::result_type(a, b), kPromoted[i][j]) << pair(kAll[i], kAll[j]);
        const Tensor product = a * b;
        EXPECT_EQ(product.dtype(), kPromoted[i][j]) << pair(kAll[i], kAll[j]);
        EXPECT_EQ(product.sum().item<double>(), static_cast<double>(shape.numel()));
      }
    }
}

// Row: an array's dtype; column: that of a 0-d tensor beside it. torch.result_type.
constexpr DType kWithNumber[6][6] = {
    {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64},
    {kUInt8, kUInt8, kUInt8, kUInt8, kFloat32, kFloat64},
    {kInt32, kInt32, kInt32, kInt32, kFloat32, kFloat64},
    {kInt64, kInt64, kInt64, kInt64, kFloat32, kFloat64},
    {kFloat32, kFloat32, kFloat32, kFloat32, kFloat32, kFloat32},
    {kFloat64, kFloat64, kFloat64, kFloat64, kFloat64, kFloat64},
};

TEST(Promotion, AZeroDTensorWidensOnlyToAHigherKind) {
  for (size_t i = 0; i < 6; ++i)
    for (size_t j = 0; j < 6; ++j) {
      const Tensor array = ones({2}, kAll[i]), number = ones({}, kAll[j]);
      const DType expected = kWithNumber[i][j];
      EXPECT_EQ(detail::result_type(array, number), expected) << pair(kAll[i], kAll[j]);
      EXPECT_EQ(detail::result_type(number, array), expected) << pair(kAll[i], kAll[j]);
      EXPECT_EQ((array * number).dtype(), expected) << pair(kAll[i], kAll[j]);
      EXPECT_EQ((number * array).dtype(), expected) << pair(kAll[i], kAll[j]);
    }
}

TEST(Promotion, AnArrayOfOneOrNoElementIsNoNumber) {
  EXPECT_EQ((ones({1}, kFloat32) * ones({2}, kFloat64)).dtype(), kFloat64);
  EXPECT_EQ((ones({2}, kFloat32) * ones({1}, kFloat64)).dtype(), kFloat64);
  EXPECT_EQ((ones({0}, kFloat32) * ones({1}, kFloat64)).dtype(), kFloat64);
  EXPECT_EQ((ones({0}, kFloat32) * ones({}, kFloat64)).dtype(), kFloat32);
}

TEST(Promotion, WithAScalarKeepsTheKind) {
  struct Row {
    DType dtype, with_bool, with_integer, with_real;
  };
  const Row rows[] = {
      {kBool, kBool, kInt64, kFloat32},         {kUInt8, kUInt8, kUInt8, kFloat32},
      {kInt32, kInt32, kInt32, kFloat32},       {kInt64, kInt64, kInt64, kFloat32},
      {kFloat32, kFloat32, kFloat32, kFloat32}, {kFloat64, kFloat64, kFloat64, kFloat64},
  };
  for (const Row& row : rows) {
    for (const Shape& shape : {Shape{2}, Shape{}, Shape{0}}) {
      const Tensor x = ones(shape, row.dtype);
      EXPECT_EQ((x * true).dtype(), row.with_bool) << name(row.dtype);
      EXPECT_EQ((x * 2).dtype(), row.with_integer) << name(row.dtype);
      EXPECT_EQ((x * 2.5).dtype(), row.with_real) << name(row.dtype);
      EXPECT_EQ((2.5 * x).dtype(), row.with_real) << name(row.dtype);
      EXPECT_EQ((x + 2).dtype(), row.with_integer) << name(row.dtype);
    }
  }
}

TEST(Promotion, ComputesInTheResultsDType) {
  EXPECT_EQ((tensor({1, 2}) * 2.5).to_vector<float>(), (std::vector<float>{2.5f, 5.f}));
  EXPECT_EQ((tensor({true, false}) + 1).to_vector<int64_t>(), (std::vector<int64_t>{2, 1}));
  EXPECT_EQ((tensor({200, 250}, kUInt8) + tensor({100, 200}, kInt32)).to_vector<int32_t>(),
            (std::vector<int32_t>{300, 450}));
  EXPECT_EQ((tensor({true, true}) + tensor({3, 255}, kUInt8)).to_vector<uint8_t>(),
            (std::vector<uint8_t>{4, 0}));
  EXPECT_EQ((tensor({1, 2}) * tensor(0.1, kFloat64)).to_vector<double>(),
            (std::vector<double>{0.1, 0.2}));
  const int64_t large = (int64_t{1} << 53) + 1;  // no double
  EXPECT_EQ((tensor({large}) + 2).to_vector<int64_t>(), (std::vector<int64_t>{large + 2}));
}

TEST(Promotion, DivisionOfIntegersIsFloat32) {
  for (DType a : {kBool, kUInt8, kInt32, kInt64})
    for (DType b : {kBool, kUInt8, kInt32, kInt64})
      EXPECT_EQ((ones({2}, a) / ones({2}, b)).dtype(), kFloat32) << pair(a, b);
  EXPECT_EQ((tensor({1, 3}) / 2).to_vector<float>(), (std::vector<float>{0.5f, 1.5f}));
  EXPECT_EQ((tensor({1, 2}) / tensor({2.0, 4.0}, kFloat64)).dtype(), kFloat64);
  EXPECT_EQ((1 / tensor({2, 4})).to_vector<float>(), (std::vector<float>{0.5f, 0.25f}));
}

TEST(Scalar, KeepsWhatItWasMadeOf) {
  EXPECT_EQ(Scalar(2.5).to<int64_t>(), 2);
  EXPECT_EQ(Scalar(-2.5).to<int32_t>(), -2);
  EXPECT_EQ(Scalar(7).to_double(), 7.0);
  EXPECT_EQ(Scalar(INT64_MAX).to<int64_t>(), INT64_MAX);
  EXPECT_TRUE(Scalar(1.0f).is_real());
  EXPECT_FALSE(Scalar(1).is_real());
  EXPECT_FALSE(Scalar(true).is_real());
  EXPECT_EQ(Scalar(1.0).natural_dtype(), kFloat32);
  EXPECT_EQ(Scalar(uint8_t{1}).natural_dtype(), kInt64);
  EXPECT_EQ(Scalar(false).natural_dtype(), kBool);
}

}  // namespace
}  // namespace bb
