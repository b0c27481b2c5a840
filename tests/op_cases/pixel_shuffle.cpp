#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("pixel_shuffle",
                      {
                          {"pixel_shuffle", [](In x) { return pixel_shuffle(x[0], 2); }},
                          {"pixel_unshuffle", [](In x) { return pixel_unshuffle(x[0], 2); }},
                      });

}  // namespace
}  // namespace bb
