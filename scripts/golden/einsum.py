import torch

from .common import *


def einsum(equation, *sets):
    return plain(lambda *x: torch.einsum(equation, *x), *sets)


CASES = {
    "einsum_matmul": einsum("ik,kj->ij", [normal(2, 3), normal(3, 4)], [normal(1, 3), normal(3, 1)],
                            [normal(2, 0), normal(0, 3)]),
    "einsum_batch": einsum("bik,bjk->bij", [normal(2, 2, 3), normal(2, 4, 3)],
                           [normal(2, 2, 3), normal(1, 2, 3)], [normal(0, 2, 3), normal(0, 1, 3)]),
    "einsum_implicit": einsum("ba, cb", [normal(2, 3), normal(4, 2)], [normal(1, 2), normal(2, 1)],
                              [normal(2, 2), normal(1, 2)]),
    "einsum_outer": einsum("i,j", [normal(3), normal(2)], [normal(1), normal(4)],
                           [normal(0), normal(2)]),
    "einsum_elementwise": einsum("ij,ij->ji", [normal(2, 3), normal(2, 3)],
                                 [normal(1, 3), normal(2, 1)], [normal(0, 2), normal(0, 2)]),
    "einsum_dot": einsum("i,i->", [normal(4), normal(4)], [normal(1), normal(3)],
                         [normal(0), normal(0)]),
    "einsum_trace": einsum("ii", [normal(3, 3)], [normal(1, 1)], [normal(0, 0)]),
    "einsum_diagonal": einsum("...ii->...i", [normal(3, 3)], [normal(2, 2, 2)], [normal(2, 0, 0)]),
    "einsum_thrice": einsum("iji,i->j", [normal(2, 3, 2), normal(2)], [normal(3, 1, 3), normal(1)],
                            [normal(2, 2, 2), normal(2)]),
    "einsum_transpose": einsum("i...j->j...i", [normal(2, 3)], [normal(2, 3, 4)], [normal(2, 0, 1)]),
    "einsum_sum": einsum("ijk->j", [normal(2, 3, 2)], [normal(1, 2, 4)], [normal(2, 3, 0)]),
    "einsum_ellipsis": einsum("...ik,...kj->...ij", [normal(2, 2, 3), normal(3, 2)],
                              [normal(2, 1, 1, 3), normal(2, 3, 2)], [normal(1, 2), normal(2, 2)]),
    "einsum_ellipsis_summed": einsum("...i,...i->i", [normal(2, 3), normal(3)],
                                     [normal(2, 2, 2), normal(2, 2)], [normal(3), normal(3)]),
    "einsum_bilinear": einsum("bn,anm,bm->ba", [normal(2, 3), normal(2, 3, 2), normal(2, 2)],
                              [normal(1, 2), normal(3, 2, 2), normal(1, 2)],
                              [normal(2, 1), normal(1, 1, 3), normal(2, 3)]),
    "einsum_chain": einsum("ab,bc,cd,de->ae", [normal(2, 2), normal(2, 3), normal(3, 2), normal(2, 1)],
                           [normal(1, 2), normal(2, 2), normal(2, 1), normal(1, 2)],
                           [normal(2, 1), normal(1, 2), normal(2, 2), normal(2, 2)]),
    "einsum_capitals": einsum("Ab,bC", [normal(2, 3), normal(3, 2)], [normal(1, 2), normal(2, 3)],
                              [normal(2, 1), normal(1, 2)]),
    # From left to right, the first product would have ten labels.
    "einsum_reordered": einsum("abcde,fghij,ebcd,ghij->af",
                               [normal(2, 1, 2, 1, 2), normal(2, 2, 1, 1, 2), normal(2, 1, 2, 1), normal(2, 1, 1, 2)],
                               [normal(1, 2, 1, 2, 1), normal(3, 1, 2, 1, 1), normal(1, 2, 1, 2), normal(1, 2, 1, 1)],
                               [normal(2, 1, 1, 1, 2), normal(1, 1, 1, 2, 2), normal(2, 1, 1, 1), normal(1, 1, 2, 2)]),
}
