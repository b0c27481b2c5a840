#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("pad", {
                                 {"pad",
                                  [](In x) {
                                    return pad(x[0], {1, 2});
                                  }},
                                 {"pad_many",
                                  [](In x) {
                                    return pad(x[0], {1, 0, 2, 1}, {.value = 0.5});
                                  }},
                                 {"pad_crop",
                                  [](In x) {
                                    return pad(x[0], {-1, 2, 1, -2}, {.value = -1.0});
                                  }},
                                 {"pad_reflect",
                                  [](In x) {
                                    return pad(x[0], {2, 1}, {.mode = PadMode::kReflect});
                                  }},
                                 {"pad_reflect_many",
                                  [](In x) {
                                    return pad(x[0], {1, 1, 2, 0}, {.mode = PadMode::kReflect});
                                  }},
                                 {"pad_replicate",
                                  [](In x) {
                                    return pad(x[0], {3, 1}, {.mode = PadMode::kReplicate});
                                  }},
                                 {"pad_replicate_many",
                                  [](In x) {
                                    return pad(x[0], {1, 2, 2, 0}, {.mode = PadMode::kReplicate});
                                  }},
                                 {"pad_circular",
                                  [](In x) {
                                    return pad(x[0], {2, 1}, {.mode = PadMode::kCircular});
                                  }},
                             });

}  // namespace
}  // namespace bb
