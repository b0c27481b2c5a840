import torch

from .common import *


def inside(*shape):
    """In (-0.9, 0.9), where asin and acos are smooth."""
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 1.8 - 0.9


def between_halves(*shape):
    """Away from the whole numbers and the halves, where roundings step."""
    return apart(*shape) * 4 + 0.03


HALVES = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 0.0, -0.0, nan, inf, -inf, 3e9, 0.49999997])

CASES = {
    "abs": unary(torch.abs, make=apart),
    "sign": unary(torch.sign, make=apart),
    "square": unary(torch.square),
    "sqrt": unary(torch.sqrt, make=positive),
    "rsqrt": unary(torch.rsqrt, make=positive),
    "reciprocal": unary(torch.reciprocal, make=positive),
    "exp": unary(torch.exp),
    "exp2": unary(torch.exp2),
    "expm1": unary(torch.expm1),
    "log": unary(torch.log, make=positive),
    "log2": unary(torch.log2, make=positive),
    "log10": unary(torch.log10, make=positive),
    "log1p": unary(torch.log1p, make=positive),
    "tanh": unary(torch.tanh),
    "sinh": unary(torch.sinh),
    "cosh": unary(torch.cosh),
    "sigmoid": unary(torch.sigmoid),
    "erf": unary(torch.erf),
    "sin": unary(torch.sin),
    "cos": unary(torch.cos),
    "tan": unary(torch.tan, make=inside),
    "asin": unary(torch.asin, make=inside),
    "acos": unary(torch.acos, make=inside),
    "atan": unary(torch.atan),
    "atan2": binary(torch.atan2, make_a=positive, make_b=positive, special=False),
    "atan2_quadrants": plain(torch.atan2, [apart(3, 4), apart(4)], [-positive(3), positive(3)],
                             [positive(2), -positive(2)],
                             special=[[torch.tensor([1.0, -1.0, nan, 0.0, -0.0, 0.0, -0.0, 0.0, -0.0, 0.0]),
                                       torch.tensor([0.0, -0.0, 1.0, -2.0, -2.0, 2.0, 2.0, 0.0, 0.0, -0.0])]]),
    "floor": unary(torch.floor, make=between_halves) | dict(special=[[HALVES]]),
    "ceil": unary(torch.ceil, make=between_halves) | dict(special=[[HALVES]]),
    "round": unary(torch.round, make=between_halves) | dict(special=[[HALVES]]),
    "trunc": unary(torch.trunc, make=between_halves) | dict(special=[[HALVES]]),
    "round_decimals": unary(lambda x: torch.round(x, decimals=1), make=between_halves) | dict(special=[[HALVES]]),
    "round_tens": unary(lambda x: torch.round(x * 10, decimals=-1), make=between_halves) | dict(special=[[HALVES]]),
}
