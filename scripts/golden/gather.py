import torch

from .common import *


def below(n, *shape):
    return torch.randint(0, n, shape, generator=generator)


def any_sign(n, *shape):
    return torch.randint(-n, n, shape, generator=generator)


def distinct(n, k):
    return torch.randperm(n, generator=generator)[:k]


# One place for each value: where several compete, PyTorch does not say which stays.
scatter_0 = torch.tensor([[2, 0, 1], [0, 1, 2]])
scatter_1 = torch.tensor([[3, 0], [1, 2], [0, 3]])

CASES = {
    "gather": plain(lambda x, i: x.gather(0, i), [normal(4), below(4, 7)],
                    [normal(3, 4), below(3, 2, 3)], [normal(3, 2, 2), below(3, 5, 2, 1)],
                    [normal(), below(1, 3)], [normal(3), below(3)], [normal(3, 2), below(1, 0, 2)]),
    "gather_last": plain(lambda x, i: x.gather(-1, i), [normal(3, 4), below(4, 3, 2)],
                         [normal(2, 3, 4), below(4, 2, 2, 5)], [normal(2, 0), below(1, 2, 0)]),
    "scatter": plain(lambda x, i, s: x.scatter(0, i, s), [normal(3, 4), scatter_0, normal(2, 3)],
                     [normal(4), torch.tensor([2, 0]), normal(2)],
                     [normal(), torch.tensor([0]), normal(1)],
                     [normal(3, 2), below(1, 0, 2), normal(1, 2).narrow(0, 0, 0)]),
    "scatter_last": plain(lambda x, i, s: x.scatter(-1, i, s), [normal(3, 4), scatter_1, normal(3, 2)],
                          [normal(4), torch.tensor([1]), normal(1)],
                          [normal(5, 4), scatter_1, normal(3, 2)]),
    "scatter_number": plain(lambda x, i: x.scatter(0, i, 1.5), [normal(3, 4), below(3, 2, 3)],
                            [normal(4), below(4, 3)], [normal(), torch.tensor(0)]),
    "scatter_add": plain(lambda x, i, s: x.scatter_add(0, i, s),
                         [normal(3, 4), below(3, 5, 3), normal(5, 3)],
                         [normal(4), below(4, 9), normal(9)],
                         [normal(2, 2, 3), below(2, 1, 2, 3), normal(1, 2, 3)],
                         [normal(), below(1, 3), normal(3)]),
    "scatter_add_last": plain(lambda x, i, s: x.scatter_add(-1, i, s),
                              [normal(3, 4), below(4, 2, 6), normal(2, 6)],
                              [normal(4), below(4), normal()],
                              [normal(2, 0), below(1, 2, 0), normal(2, 0)]),
    "index_select": plain(lambda x, i: x.index_select(0, i), [normal(4), below(4, 6)],
                          [normal(3, 4), below(3, 5)], [normal(3, 2, 2), below(3)],
                          [normal(), below(1, 1)], [normal(3, 0), below(3, 2)]),
    "index_select_last": plain(lambda x, i: x.index_select(-1, i), [normal(3, 4), below(4, 6)],
                               [normal(2, 3, 2), below(2, 3)], [normal(0, 3), below(3, 2)]),
    "index_add": plain(lambda x, i, s: x.index_add(0, i, s, alpha=2),
                       [normal(3, 4), below(3, 5), normal(5, 4)], [normal(4), below(4, 9), normal(9)],
                       [normal(2, 2, 3), below(2, 1), normal(1, 2, 3)],
                       [normal(3, 2), below(1, 0), normal(0, 2)]),
    "index_add_1": plain(lambda x, i, s: x.index_add(1, i, s),
                         [normal(3, 4), below(4, 5), normal(3, 5)],
                         [normal(2, 2, 3), below(2, 3), normal(2, 3, 3)],
                         [normal(0, 2), below(2, 3), normal(0, 3)]),
    "index_copy": plain(lambda x, i, s: x.index_copy(0, i, s),
                        [normal(3, 4), distinct(3, 2), normal(2, 4)],
                        [normal(4), distinct(4, 3), normal(3)],
                        [normal(2, 2, 3), distinct(2, 1), normal(1, 2, 3)]),
    "index_copy_last": plain(lambda x, i, s: x.index_copy(-1, i, s),
                             [normal(3, 4), distinct(4, 2), normal(3, 2)],
                             [normal(4), distinct(4, 3), normal(3)],
                             [normal(2, 2, 3), distinct(3, 3), normal(2, 2, 3)]),
    "index_fill": plain(lambda x, i: x.index_fill(1, i, 1.5), [normal(3, 4), below(4, 3)],
                        [normal(2, 2, 3), below(2, 1)], [normal(3, 2), below(1, 0)]),
    "take": plain(lambda x, i: x.take(i), [normal(3, 4), any_sign(12, 2, 5)], [normal(5), any_sign(5)],
                  [normal(), any_sign(1, 3)], [normal(3), any_sign(1, 0)]),
    "take_along_dim": plain(lambda x, i: x.take_along_dim(i, 1), [normal(3, 4), any_sign(4, 3, 2)],
                            [normal(3, 4), any_sign(4, 1, 5)], [normal(1, 3), any_sign(3, 2, 2)],
                            [normal(2, 3, 1), any_sign(3, 2, 2, 2)]),
    "take_along_dim_flat": plain(lambda x, i: x.take_along_dim(i), [normal(3, 4), below(12, 5)],
                                 [normal(5), below(5, 2, 2)], [normal(), below(1, 3)]),
}
