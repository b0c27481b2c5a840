import torch

from .common import *

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
    "isnan": unary(torch.isnan) | dict(differentiable=False),
    "isinf": unary(torch.isinf) | dict(differentiable=False),
    "isfinite": unary(torch.isfinite) | dict(differentiable=False),
}
