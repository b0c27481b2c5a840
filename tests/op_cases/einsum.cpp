#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family(
    "einsum", {
                  {"einsum_matmul", [](In x) { return einsum("ik,kj->ij", x); }},
                  {"einsum_batch", [](In x) { return einsum("bik,bjk->bij", x); }},
                  {"einsum_implicit", [](In x) { return einsum("ba, cb", x); }},
                  {"einsum_outer", [](In x) { return einsum("i,j", x); }},
                  {"einsum_elementwise", [](In x) { return einsum("ij,ij->ji", x); }},
                  {"einsum_dot", [](In x) { return einsum("i,i->", x); }},
                  {"einsum_trace", [](In x) { return einsum("ii", x); }},
                  {"einsum_diagonal", [](In x) { return einsum("...ii->...i", x); }},
                  {"einsum_thrice", [](In x) { return einsum("iji,i->j", x); }},
                  {"einsum_transpose", [](In x) { return einsum("i...j->j...i", x); }},
                  {"einsum_sum", [](In x) { return einsum("ijk->j", x); }},
                  {"einsum_ellipsis", [](In x) { return einsum("...ik,...kj->...ij", x); }},
                  {"einsum_ellipsis_summed", [](In x) { return einsum("...i,...i->i", x); }},
                  {"einsum_bilinear", [](In x) { return einsum("bn,anm,bm->ba", x); }},
                  {"einsum_chain", [](In x) { return einsum("ab,bc,cd,de->ae", x); }},
                  {"einsum_capitals", [](In x) { return einsum("Ab,bC", x); }},
                  {"einsum_reordered", [](In x) { return einsum("abcde,fghij,ebcd,ghij->af", x); }},
              });

}  // namespace
}  // namespace bb
