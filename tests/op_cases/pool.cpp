#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family(
    "pool",
    {
        {"max_pool1d", [](In x) { return max_pool1d(x[0], 2); }},
        {"max_pool1d_options",
         [](In x) {
           return max_pool1d(x[0], 3,
                             {.stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true});
         }},
        {"max_pool2d", [](In x) { return max_pool2d(x[0], 2); }},
        {"max_pool2d_options",
         [](In x) {
           return max_pool2d(
               x[0], {3, 2},
               {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}, .ceil_mode = true});
         }},
        {"max_pool2d_indices",
         [](In x) { return max_pool2d_with_indices(x[0], 3, {.stride = 2, .padding = 1}).indices; },
         false},
        {"max_pool3d",
         [](In x) {
           return max_pool3d(x[0], {2, 3, 2}, {.stride = 1, .padding = {1, 1, 0}});
         }},
        {"avg_pool1d",
         [](In x) { return avg_pool1d(x[0], 3, {.stride = 2, .padding = 1, .ceil_mode = true}); }},
        {"avg_pool2d", [](In x) { return avg_pool2d(x[0], 2); }},
        {"avg_pool2d_ceil",
         [](In x) {
           return avg_pool2d(x[0], {3, 2}, {.stride = 2, .padding = 1, .ceil_mode = true});
         }},
        {"avg_pool2d_exclude_pad",
         [](In x) {
           return avg_pool2d(
               x[0], 3, {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
         }},
        {"avg_pool2d_divisor",
         [](In x) {
           return avg_pool2d(x[0], 3, {.stride = 1, .padding = 1, .divisor_override = 5});
         }},
        {"avg_pool3d",
         [](In x) {
           return avg_pool3d(x[0], 2, {.stride = {1, 2, 3}, .padding = {1, 0, 1}});
         }},
        {"adaptive_avg_pool1d", [](In x) { return adaptive_avg_pool1d(x[0], 3); }},
        {"adaptive_avg_pool2d",
         [](In x) {
           return adaptive_avg_pool2d(x[0], {3, 4});
         }},
        {"adaptive_avg_pool2d_one", [](In x) { return adaptive_avg_pool2d(x[0], 1); }},
        {"adaptive_avg_pool3d",
         [](In x) {
           return adaptive_avg_pool3d(x[0], {2, 3, 2});
         }},
        {"adaptive_max_pool1d", [](In x) { return adaptive_max_pool1d(x[0], 3); }},
        {"adaptive_max_pool2d",
         [](In x) {
           return adaptive_max_pool2d(x[0], {3, 4});
         }},
        {"adaptive_max_pool2d_indices",
         [](In x) {
           return adaptive_max_pool2d_with_indices(x[0], {2, 4}).indices;
         },
         false},
        {"adaptive_max_pool3d",
         [](In x) {
           return adaptive_max_pool3d(x[0], {2, 3, 2});
         }},
    });

}  // namespace
}  // namespace bb
