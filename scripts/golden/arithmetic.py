import torch

from .common import *

INFINITE = [torch.tensor([inf, -inf, 1.0, -1.0, inf, 0.0, -0.0, 7.0, -7.0, inf, 5.0, -0.0]),
            torch.tensor([2.0, 2.0, inf, inf, inf, inf, -inf, -inf, inf, 0.0, 0.0, 0.0])]


def quotients(mode):
    """Away from whole quotients, where they step."""
    return plain(lambda a, b: torch.div(a, b, rounding_mode=mode),
                 [apart(3, 4), positive(4) + 0.5], [apart(5) * 4 + 0.01, apart(5) + 2],
                 [apart(2, 3) - 9.013, apart(3) - 3.4], [normal(0, 3), positive(3)],
                 special=[INFINITE, [torch.tensor([-7.0, 7.0, -7.0, nan, -6.0, 5.0, 1.0]),
                                     torch.tensor([3.0, -3.0, 2.5, 1.0, 2.0, nan, 0.1])]])


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
    "pow_half": unary(lambda x: x ** 0.5, make=positive),
    "pow_0": unary(lambda x: x ** 0),
    "rpow_scalar": unary(lambda x: 2.0 ** x, special=False),
    "neg": unary(lambda x: -x),
    "lerp": plain(torch.lerp, [normal(3, 4), normal(3, 4), normal(3, 4)],
                  [normal(3, 4), normal(4), normal(3, 1)], [normal(), normal(5), normal()],
                  [normal(0, 3), normal(1, 3), normal(0, 3)],
                  special=[[SPECIAL[:8], SPECIAL[:8].flip(0), torch.linspace(-1, 2, 8)]]),
    "lerp_scalar": plain(lambda a, b: torch.lerp(a, b, 0.3), [normal(3, 4), normal(3, 4)],
                         [normal(3, 4), normal(4)], [normal(), normal(5)], [normal(0, 3), normal(1, 3)]),
    "lerp_far": plain(lambda a, b: torch.lerp(a, b, 0.875), [normal(3, 4), normal(3, 4)],
                      [normal(3, 4), normal(4)], [normal(), normal(5)]),
    "fmod": plain(torch.fmod, [apart(3, 4), positive(4) + 0.5], [apart(5) * 4 + 0.01, apart(5) + 2],
                  [apart(2, 3) - 9, apart(3) - 3], [normal(0, 3), positive(3)],
                  special=[[torch.tensor([-7.0, 7.0, -7.0, nan, -6.0, 5.0, -0.0]),
                            torch.tensor([3.0, -3.0, 2.5, 1.0, 2.0, nan, 2.0])], INFINITE]),
    "fmod_scalar": unary(lambda x: torch.fmod(x * 3, 0.7), make=apart),
    "remainder": plain(torch.remainder, [apart(3, 4), positive(4) + 0.5], [apart(5) * 4 + 0.01, apart(5) + 2],
                       [apart(2, 3) - 9, apart(3) - 3], [normal(0, 3), positive(3)],
                       special=[[torch.tensor([-7.0, 7.0, -7.0, inf, nan, -6.0, 5.0, -0.0]),
                                 torch.tensor([3.0, -3.0, 2.5, 2.0, 1.0, 2.0, nan, 2.0])], INFINITE]),
    "remainder_scalar": unary(lambda x: torch.remainder(x * 3, 0.7), make=apart),
    "pow_minus_half": unary(lambda x: x ** -0.5, make=positive),
    "pow_minus_1": unary(lambda x: x ** -1, make=positive),
    # Without the largest numbers: PyTorch adds in the same step, where alpha b alone would overflow.
    "add_alpha": binary(lambda a, b: torch.add(a, b, alpha=2.5), special=False) | dict(special=[[SPECIAL[:9], SPECIAL[:9].flip(0)]]),
    "sub_alpha": binary(lambda a, b: torch.sub(a, b, alpha=-0.75), special=False) | dict(special=[[SPECIAL[:9], SPECIAL[:9].flip(0)]]),
    "div_trunc": quotients("trunc"),
    "div_floor": quotients("floor"),
    "div_floor_scalar": unary(lambda x: torch.div(x * 3, -0.7, rounding_mode="floor"), make=apart),
}
