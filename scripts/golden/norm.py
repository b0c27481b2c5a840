import torch

from .common import *

# Zeros, and a row of nothing else: the subgradient there is 0.
ZEROS = torch.tensor([[3.0, 0.0, -4.0], [0.0, 0.0, 0.0], [1.0, nan, 2.0]])


def order(p, special=True):
    return plain(lambda x: x.norm(p), [apart(3, 4)], [apart(5)], [apart(2, 3, 2)], [apart()],
                 special=[[ZEROS[0]], [ZEROS[1]], [ZEROS[2]]] if special else [])


def rows(p, *extra):
    return plain(lambda x: x.norm(p, 1, keepdim=True), [apart(3, 4)], [apart(4, 3)], [apart(2, 3, 2)],
                 *extra, special=[[ZEROS]])


# At inf and -inf two elements of one size, one of each sign, would share.
def rows_apart(p):
    return plain(lambda x: x.norm(p, 1, keepdim=True), [apart(3, 4) + 9], [apart(4, 3) - 9], [apart(2, 3, 2) + 9],
                 special=[[ZEROS], [torch.tensor([[1.0, -1.0, 1.0], [2.0, 1.0, -2.0]])]])


CASES = {
    "norm": order(2),
    "norm_rows": rows(2, [normal(0, 3)], [normal(3, 0)], [normal(3, 600)]),
    "norm_many": plain(lambda x: x.norm(2, (0, -1)), [apart(3, 4, 2)], [apart(2, 3)], [apart(2, 2, 2, 2)]),
    "norm_1": order(1),
    "norm_1_rows": rows(1, [normal(3, 0)]),
    "norm_inf": plain(lambda x: x.norm(inf), [apart(3, 4) + 9], [apart(5) + 9], [apart(7) - 9],
                      special=[[ZEROS[0]], [ZEROS[1]], [ZEROS[2]]]),
    "norm_inf_rows": rows_apart(inf),
    "norm_minus_inf": plain(lambda x: x.norm(-inf), [apart(3, 4) + 9], [apart(5) + 9], [apart(7) - 9],
                            special=[[ZEROS[0]], [ZEROS[1]], [ZEROS[2]]]),
    "norm_minus_inf_rows": rows_apart(-inf),
    "norm_3": order(3),
    "norm_3_rows": rows(3, [normal(3, 0)]),
    "norm_1_5": order(1.5),
    "norm_half": order(0.5),
    "norm_minus_2": order(-2, special=False),
    # torch gives no gradient at all for p = 0, where it is 0.
    "norm_0": plain(lambda x: x.norm(0) + (x * 0).sum(), [apart(3, 4)], [apart(5)], [apart(2, 3)],
                    special=[[ZEROS[0]], [ZEROS[1]]]),
}
