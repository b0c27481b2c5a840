#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;
using enum Interpolation;

OpCase resize(const char* name, const InterpolateOptions& options) {
  return {name, [options](In x) { return interpolate(x[0], options); }};
}

const OpFamily family(
    "interpolate",
    {
        resize("interpolate_nearest", {.scale_factor = {1.7}}),
        resize("interpolate_nearest_size", {.size = {3, 7}}),
        resize("interpolate_nearest_exact", {.size = {3, 7}, .mode = kNearestExact}),
        resize("interpolate_linear", {.size = {7}, .mode = kLinear}),
        resize("interpolate_bilinear", {.size = {5, 7}, .mode = kBilinear}),
        resize("interpolate_bilinear_scale", {.scale_factor = {1.5, 0.7}, .mode = kBilinear}),
        resize("interpolate_bilinear_align",
               {.size = {5, 1}, .mode = kBilinear, .align_corners = true}),
        resize("interpolate_bicubic", {.size = {5, 7}, .mode = kBicubic}),
        resize("interpolate_bicubic_align",
               {.scale_factor = {2}, .mode = kBicubic, .align_corners = true}),
        resize("interpolate_trilinear", {.scale_factor = {2, 1.5, 1}, .mode = kTrilinear}),
        resize("interpolate_area", {.size = {3, 2}, .mode = kArea}),
    });

}  // namespace
}  // namespace bb
