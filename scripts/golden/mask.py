import torch

from .common import *


def mask(*shape):
    return torch.randint(0, 2, shape, generator=generator).bool()


def few(n, *shape):
    """A mask with n places set."""
    m = torch.zeros(math.prod(shape), dtype=torch.bool)
    m[torch.randperm(math.prod(shape), generator=generator)[:n]] = True
    return m.reshape(shape)


special = torch.tensor([nan, 0.0, -0.0, inf, -inf, 1e-40])
CASES = {
    "masked_fill": plain(lambda x, m: x.masked_fill(m, -1.5), [normal(3, 4), mask(3, 4)],
                         [normal(3, 1), mask(4)], [normal(), mask(2)], [normal(0, 3), mask(3)],
                         special=[[special, torch.tensor([True, False, False, True, False, True])]]),
    "masked_fill_tensor": plain(lambda x, m, v: x.masked_fill(m, v),
                                [normal(3, 4), mask(3, 4), normal()], [normal(3, 1), mask(4), normal()],
                                [normal(), mask(), normal()]),
    "masked_select": plain(lambda x, m: x.masked_select(m), [normal(3, 4), few(5, 3, 4)],
                           [normal(3, 1), few(2, 4)], [normal(), torch.tensor(True)],
                           [normal(3), few(0, 3)]),
    "masked_scatter": plain(lambda x, m, s: x.masked_scatter(m, s),
                            [normal(3, 4), few(5, 3, 4), normal(5)],
                            [normal(3, 4), few(2, 4), normal(2, 4)],
                            [normal(3), few(0, 3), normal(2)]),
    "nonzero": plain(lambda x: x.nonzero(), [normal(3, 4).round()], [normal(2, 3, 2).round()],
                     [torch.tensor(2.0)], [torch.tensor(0.0)], [normal(0, 2)], special=[[special]],
                     differentiable=False),
    "argwhere": plain(torch.argwhere, [normal(3, 4).round()], [normal(7).round()],
                      [torch.tensor(2.0)], differentiable=False),
}
