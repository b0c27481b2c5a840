#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("linalg",
                      {
                          {"matmul", [](In x) { return matmul(x[0], x[1]); }},
                          {"matmul_vector", [](In x) { return matmul(x[0], x[1]); }},
                          {"matmul_batch", [](In x) { return matmul(x[0], x[1]); }},
                          {"linear", [](In x) { return linear(x[0], x[1], x[2]); }},
                          {"linear_relu",
                           [](In x) { return linear(x[0], x[1], x[2], Activation::kRelu); }},
                          {"linear_no_bias", [](In x) { return linear(x[0], x[1]); }},
                      });

}  // namespace
}  // namespace bb
