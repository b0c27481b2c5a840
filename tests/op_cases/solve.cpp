#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

Tensor definite(const Tensor& x) { return matmul(x, x.mT()) + diag(ones({x.size(-1)}, x.dtype())); }

const OpFamily family(
    "solve",
    {
        {"cholesky", [](In x) { return definite(x[0]).cholesky(); }},
        {"cholesky_upper", [](In x) { return definite(x[0]).cholesky(true); }},
        {"solve_lower", [](In x) { return solve_triangular(x[0], x[1]); }},
        {"solve_upper", [](In x) { return solve_triangular(x[0], x[1], {.upper = true}); }},
        {"solve_lower_right", [](In x) { return solve_triangular(x[0], x[1], {.left = false}); }},
        {"solve_upper_right_unit",
         [](In x) {
           return solve_triangular(x[0], x[1],
                                   {.upper = true, .left = false, .unitriangular = true});
         }},
        {"solve_lower_unit",
         [](In x) { return solve_triangular(x[0], x[1], {.unitriangular = true}); }},
        {"solve", [](In x) { return solve(x[0], x[1]); }},
        {"solve_vector", [](In x) { return solve(x[0], x[1]); }},
        {"inverse", [](In x) { return x[0].inverse(); }},
        {"det", [](In x) { return x[0].det(); }},
        {"logabsdet", [](In x) { return x[0].slogdet().logabsdet; }},
        {"slogdet_sign", [](In x) { return x[0].detach().slogdet().sign; }, false},
    });

}  // namespace
}  // namespace bb
