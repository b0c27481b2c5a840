#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family(
    "conv",
    {
        {"conv1d", [](In x) { return conv1d(x[0], x[1], x[2]); }},
        {"conv1d_options",
         [](In x) {
           return conv1d(x[0], x[1], {}, {.stride = 2, .padding = 1, .dilation = 2, .groups = 2});
         }},
        {"conv2d", [](In x) { return conv2d(x[0], x[1], x[2]); }},
        {"conv2d_options",
         [](In x) {
           return conv2d(x[0], x[1], x[2],
                         {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2});
         }},
        {"conv2d_same",
         [](In x) {
           return conv2d(x[0], x[1], x[2], {.padding = Padding::kSame, .dilation = {1, 2}});
         }},
        {"conv2d_relu",
         [](In x) {
           return conv2d(x[0], x[1], x[2], {.padding = 1, .activation = Activation::kRelu});
         }},
        {"conv2d_depthwise_relu",
         [](In x) {
           return conv2d(x[0], x[1], x[2],
                         {.padding = 1, .groups = 3, .activation = Activation::kRelu});
         }},
        {"conv2d_one_by_one", [](In x) { return conv2d(x[0], x[1], x[2]); }},
        {"conv2d_one_by_one_strided", [](In x) { return conv2d(x[0], x[1], {}, {.stride = 2}); }},
        {"conv2d_depthwise",
         [](In x) { return conv2d(x[0], x[1], x[2], {.padding = 1, .groups = 3}); }},
        {"conv2d_depthwise_strided",
         [](In x) {
           return conv2d(x[0], x[1], x[2], {.stride = 2, .padding = 1, .dilation = 2, .groups = 3});
         }},
        {"conv3d", [](In x) { return conv3d(x[0], x[1], x[2]); }},
        {"conv3d_options",
         [](In x) {
           return conv3d(
               x[0], x[1], {},
               {.stride = {2, 1, 2}, .padding = {1, 2, 0}, .dilation = {1, 2, 1}, .groups = 2});
         }},
        {"conv_transpose1d",
         [](In x) {
           return conv_transpose1d(x[0], x[1], x[2],
                                   {.stride = 2, .padding = 1, .output_padding = 1});
         }},
        {"conv_transpose2d", [](In x) { return conv_transpose2d(x[0], x[1], x[2]); }},
        {"conv_transpose2d_options",
         [](In x) {
           return conv_transpose2d(x[0], x[1], x[2],
                                   {.stride = {2, 1},
                                    .padding = {1, 0},
                                    .output_padding = {1, 2},
                                    .groups = 2,
                                    .dilation = {1, 3}});
         }},
        {"conv_transpose3d",
         [](In x) {
           return conv_transpose3d(x[0], x[1], {}, {.stride = {2, 1, 2}, .padding = {1, 0, 0}});
         }},
    });

}  // namespace
}  // namespace bb
