import torch

from .common import *



def whole(*shape):
    return torch.randint(-(1 << 40), 1 << 40, shape, generator=generator)


def truths(*shape):
    return torch.randint(0, 2, shape, generator=generator).bool()


def bitwise(fn):
    return plain(fn, [whole(3, 4), whole(4)], [whole(5), whole(5).to(torch.int32)], [whole(), whole(2, 1, 3)],
                 [truths(3, 4), truths(4)], differentiable=False)


CASES = {
    "where": plain(lambda a, b: torch.where(a > b, a * 2, b), [apart(3, 4), -apart(4) * 1.01],
                   [apart(2, 3), apart(2, 3) * 1.01], [apart(5), apart(1) * 1.01]),
    "where_scalar": plain(lambda a: torch.where(a > 0.1, a, 2.0), [apart(3, 4)], [apart(5)], [apart()],
                          [apart(0, 3)], special=[[SPECIAL]]),
    "scalar_where": plain(lambda a: torch.where(a > 0.1, 2.0, a), [apart(3, 4)], [apart(5)], [apart()],
                          [apart(0, 3)], special=[[SPECIAL]]),
    "eq": comparison(torch.eq),
    "ne": comparison(torch.ne),
    "lt": comparison(torch.lt),
    "le": comparison(torch.le),
    "gt": comparison(torch.gt),
    "ge": comparison(torch.ge),
    "logical_and": comparison(torch.logical_and),
    "logical_or": comparison(torch.logical_or),
    "logical_xor": comparison(torch.logical_xor),
    "logical_not": unary(lambda x: torch.logical_not(x.round())) | dict(differentiable=False),
    "bitwise_and": bitwise(torch.bitwise_and),
    "bitwise_or": bitwise(torch.bitwise_or),
    "bitwise_xor": bitwise(torch.bitwise_xor),
    "bitwise_not": plain(torch.bitwise_not, [whole(3, 4)], [whole()], [whole(0, 3)], [truths(5)], differentiable=False),
    "isnan": unary(torch.isnan) | dict(differentiable=False),
    "isinf": unary(torch.isinf) | dict(differentiable=False),
    "isfinite": unary(torch.isfinite) | dict(differentiable=False),
}
