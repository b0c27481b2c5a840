#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;
using namespace indexing;

Tensor rows() { return tensor({2, 0, -1}); }

const OpFamily family(
    "indexing", {
                    {"index_number", [](In x) { return x[0].index({-1}); }},
                    {"index_slices",
                     [](In x) {
                       return x[0].index({Slice(1), Slice(None, None, 2)});
                     }},
                    {"index_mixed",
                     [](In x) {
                       return x[0].index({0, Slice(1, 3), Ellipsis, None, -1});
                     }},
                    {"index_rows", [](In x) { return x[0].index({rows()}); }},
                    {"index_matrix",
                     [](In x) {
                       return x[0].index({Slice(), x[1]});
                     }},
                    {"index_pairs",
                     [](In x) {
                       return x[0].index({x[1], x[2]});
                     }},
                    {"index_neighbours",
                     [](In x) {
                       return x[0].index({Slice(), x[1], x[2]});
                     }},
                    {"index_apart",
                     [](In x) {
                       return x[0].index({Slice(), x[1], Slice(), x[2]});
                     }},
                    {"index_new",
                     [](In x) {
                       return x[0].index({x[1], None, x[2]});
                     }},
                    {"index_number_first",
                     [](In x) {
                       return x[0].index({0, Slice(), x[1]});
                     }},
                    {"index_0d_tensor",
                     [](In x) {
                       return x[0].index({Slice(), x[1]});
                     }},
                    {"index_mask", [](In x) { return x[0].index({x[1]}); }},
                    {"index_mask_after",
                     [](In x) {
                       return x[0].index({Slice(), x[1]});
                     }},
                    {"index_mask_and_rows",
                     [](In x) {
                       return x[0].index({x[1], Slice(), x[2]});
                     }},
                    {"index_bool",
                     [](In x) {
                       return x[0].index({true, Ellipsis, 0});
                     }},
                    {"index_bool_false", [](In x) { return x[0].index({false}); }},
                    {"index_put",
                     [](In x) {
                       return x[0].index_put({tensor({2, 0})}, x[1]);
                     }},
                    {"index_put_add", [](In x) { return x[0].index_put({x[1]}, x[2], true); }},
                    {"index_put_pairs",
                     [](In x) {
                       return x[0].index_put({tensor({0, 1}).unsqueeze(1), tensor({3, 0})}, x[1]);
                     }},
                    {"index_put_mask", [](In x) { return x[0].index_put({x[1]}, x[2]); }},
                    {"index_put_slices",
                     [](In x) {
                       return x[0].index_put({Slice(1), 0}, x[1]);
                     }},
                    {"index_put_mixed",
                     [](In x) {
                       return x[0].index_put({Slice(0, 2), rows(), None, Ellipsis}, x[1]);
                     }},
                    {"index_put_apart",
                     [](In x) {
                       return x[0].index_put({tensor({1, 0}), Slice(), tensor({0, 1})}, x[1]);
                     }},
                });

}  // namespace
}  // namespace bb
