import torch

from .common import *

CASES = {
    "add": binary(lambda a, b: a + b),
    "sub": binary(lambda a, b: a - b),
    "mul": binary(lambda a, b: a * b),
    "div": binary(lambda a, b: a / b, make_b=positive),
    "pow": binary(lambda a, b: a ** b, make_a=positive, special=False),
    "pow_specials": plain(lambda a, b: a ** b, [positive(2), normal(2)], [positive(3), normal(3)],
                          [positive(1), normal(1)],
                          special=[[torch.tensor([0.0, 0.0, 2.0, 1.0, inf, -2.0]),
                                    torch.tensor([0.0, 2.0, 0.0, nan, 2.0, 3.0])]]),
    "add_scalar": unary(lambda x: x + 2.5),
    "rsub_scalar": unary(lambda x: 2.5 - x),
    "mul_scalar": unary(lambda x: x * -1.5),
    "div_scalar": unary(lambda x: x / 4.0),
    "rdiv_scalar": unary(lambda x: 3.0 / x, make=positive),
    "pow_2": unary(lambda x: x ** 2),
    "pow_3": unary(lambda x: x ** 3),
    "pow_half": unary(lambda x: x ** 0.5, make=positive, special=False),
    "pow_0": unary(lambda x: x ** 0),
    "rpow_scalar": unary(lambda x: 2.0 ** x, special=False),
    "neg": unary(lambda x: -x),
}
