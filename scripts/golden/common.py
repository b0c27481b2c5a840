"""Inputs and the forms of cases that the families share."""
import math

import torch

F = torch.nn.functional
inf, nan = math.inf, math.nan
generator = torch.Generator()  # seeded anew for each family


def normal(*shape):
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def positive(*shape):
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 2 + 0.25


def apart(*shape):
    """Distinct numbers at least 0.05 apart and away from 0, in random order: no ties, no kinks."""
    n = math.prod(shape)
    values = (torch.arange(n, dtype=torch.float64) - n // 2 + 0.5) * 0.05
    return values[torch.randperm(n, generator=generator)].reshape(shape)


def labels(n, classes):
    return torch.randint(0, classes, (n,), generator=generator)


SPECIAL = torch.tensor([0.0, -0.0, 1.0, -1.0, inf, -inf, nan, 1e-40, -1e-40, 88.0, -104.0, 3e38, 0.5])
UNARY_SETS = [[(5,)], [(3, 4)], [(2, 1, 19)], [()], [(0, 3)]]
BINARY_SETS = [[(3, 4), (3, 4)], [(3, 4), (4,)], [(2, 1, 5), (3, 1)], [(), (17,)], [(0, 3), (1, 3)]]


def unary(fn, make=normal, special=True):
    sets = [[make(*s) for s in shapes] for shapes in UNARY_SETS]
    return dict(fn=fn, sets=sets, special=[[SPECIAL]] if special else [])


def binary(fn, make_a=normal, make_b=normal, special=True):
    sets = [[make_a(*a), make_b(*b)] for a, b in BINARY_SETS]
    a = SPECIAL.repeat_interleave(len(SPECIAL))
    b = SPECIAL.repeat(len(SPECIAL))
    return dict(fn=fn, sets=sets, special=[[a, b]] if special else [])


def comparison(fn):
    case = binary(fn, make_a=lambda *s: normal(*s).round(), make_b=lambda *s: normal(*s).round())
    return case | dict(differentiable=False)


def plain(fn, *sets, special=(), differentiable=True):
    return dict(fn=fn, sets=[list(s) for s in sets], special=[list(s) for s in special],
                differentiable=differentiable)


ties = torch.tensor([[1.0, 3.0, 3.0, 2.0], [nan, 1.0, nan, 5.0], [-inf, -inf, -inf, -inf]])
rows = torch.tensor([[1.0, 2.0, 1000.0], [-inf, 0.0, 1.0], [nan, 0.0, 1.0], [-1e4, -1e4, -1e4]])
