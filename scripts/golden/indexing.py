import torch

from .common import *
from .gather import any_sign, below
from .mask import few

rows = torch.tensor([2, 0, -1])
CASES = {
    "index_number": plain(lambda x: x[-1], [normal(3)], [normal(3, 4)], [normal(2, 0)]),
    "index_slices": plain(lambda x: x[1:, ::2], [normal(3, 4)], [normal(2, 3, 2)], [normal(1, 3)]),
    "index_mixed": plain(lambda x: x[0, 1:3, ..., None, -1], [normal(2, 4, 3)], [normal(1, 2, 2)],
                         [normal(2, 3, 2, 2)]),
    "index_rows": plain(lambda x: x[rows], [normal(4)], [normal(3, 4)], [normal(3, 0)],
                        [normal(3, 2, 2)]),
    "index_matrix": plain(lambda x, i: x[:, i], [normal(3, 4), any_sign(4, 2, 3)],
                          [normal(2, 3, 2), any_sign(3, 1, 2)], [normal(2, 3), any_sign(3, 0, 2)],
                          [normal(0, 3), any_sign(3, 2)]),
    "index_pairs": plain(lambda x, i, j: x[i, j], [normal(3, 4), any_sign(3, 5), any_sign(4, 5)],
                         [normal(3, 4, 2), any_sign(3, 3, 1), any_sign(4, 2)],
                         [normal(2, 2), any_sign(2, 4), any_sign(2, 1)]),
    # The tensors' shape stays in the middle where they are neighbours, and comes first where not.
    "index_neighbours": plain(lambda x, i, j: x[:, i, j], [normal(2, 3, 4), any_sign(3, 5), any_sign(4, 5)],
                              [normal(3, 2, 2, 2), any_sign(2, 2, 1), any_sign(2, 2)],
                              [normal(1, 3, 2), any_sign(3, 2), any_sign(2, 2)]),
    "index_apart": plain(lambda x, i, j: x[:, i, :, j],
                         [normal(2, 3, 2, 4), any_sign(3, 5), any_sign(4, 5)],
                         [normal(1, 2, 3, 2), any_sign(2, 2, 1), any_sign(2, 2)],
                         [normal(2, 2, 1, 2), any_sign(2, 1), any_sign(2, 3)]),
    "index_new": plain(lambda x, i, j: x[i, None, j], [normal(3, 4), any_sign(3, 2), any_sign(4, 2)],
                       [normal(2, 2, 2), any_sign(2, 3), any_sign(2, 3)],
                       [normal(2, 1), any_sign(2, 1), any_sign(1, 2)]),
    # A number is taken away before the tensors are looked at.
    "index_number_first": plain(lambda x, i: x[0, :, i], [normal(2, 3, 4), any_sign(4, 2)],
                                [normal(1, 2, 2), any_sign(2, 2, 2)],
                                [normal(2, 2, 3, 2), any_sign(3, 2)]),
    "index_0d_tensor": plain(lambda x, i: x[:, i], [normal(3, 4), any_sign(4)],
                             [normal(2, 2, 2), any_sign(2)], [normal(0, 3), any_sign(3)]),
    "index_mask": plain(lambda x, m: x[m], [normal(5), few(3, 5)], [normal(3, 4), few(5, 3, 4)],
                        [normal(3, 2), few(2, 3)], [normal(2, 3, 2), few(4, 2, 3)],
                        [normal(3), few(0, 3)]),
    "index_mask_after": plain(lambda x, m: x[:, m], [normal(2, 3, 4), few(5, 3, 4)],
                              [normal(2, 3), few(2, 3)], [normal(2, 3, 2), few(2, 3)]),
    "index_mask_and_rows": plain(lambda x, m, i: x[m, :, i], [normal(4, 2, 3), few(3, 4), any_sign(3, 3)],
                                 [normal(2, 2, 2), few(1, 2), any_sign(2, 4)],
                                 [normal(3, 1, 2), few(2, 3), any_sign(2, 1)]),
    "index_bool": plain(lambda x: x[True, ..., 0], [normal(3)], [normal(2, 3)], [normal(0, 2)]),
    "index_bool_false": plain(lambda x: x[False], [normal(3)], [normal(2, 3)], [normal()]),
    "index_put": plain(lambda x, v: x.index_put((torch.tensor([2, 0]),), v), [normal(3, 4), normal(2, 4)],
                       [normal(3, 2), normal(2)], [normal(4), normal()]),
    "index_put_add": plain(lambda x, i, v: x.index_put((i,), v, accumulate=True),
                           [normal(3, 4), any_sign(3, 5), normal(5, 4)],
                           [normal(3, 2), any_sign(3, 2, 2), normal(2)],
                           [normal(4), any_sign(4, 9), normal()],
                           [normal(3, 2), any_sign(3, 0), normal(2)]),
    "index_put_pairs": plain(
        lambda x, v: x.index_put((torch.tensor([[0], [1]]), torch.tensor([3, 0])), v),
        [normal(2, 4), normal(2, 2)], [normal(3, 5, 2), normal(2, 1, 2)], [normal(2, 4, 2), normal()]),
    "index_put_mask": plain(lambda x, m, v: x.index_put((m,), v), [normal(3, 4), few(5, 3, 4), normal(5)],
                            [normal(3, 2), few(2, 3), normal(2)], [normal(3), few(0, 3), normal()]),
    "index_put_slices": plain(lambda x, v: put(x, (slice(1, None), 0), v), [normal(3, 4), normal(2)],
                              [normal(3, 2, 2), normal(2)], [normal(3, 1, 1), normal()]),
    "index_put_mixed": plain(lambda x, v: put(x, (slice(0, 2), rows, None, Ellipsis), v),
                             [normal(3, 4), normal(2, 3, 1)], [normal(2, 4, 2), normal(2)],
                             [normal(1, 4), normal()]),
    "index_put_apart": plain(
        lambda x, v: put(x, (torch.tensor([1, 0]), slice(None), torch.tensor([0, 1])), v),
        [normal(2, 3, 2), normal(2, 3)], [normal(3, 2, 2), normal(2)], [normal(2, 1, 2), normal()]),
}


def put(x, indices, v):
    y = x.clone()
    y[indices] = v
    return y
