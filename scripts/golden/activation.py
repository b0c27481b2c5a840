import torch

from .common import *

# Infinities are left out where PyTorch's own gradient is NaN there (inf * 0): ours are the limits,
# checked in arithmetic_test.cpp. Of gelu, far below 0 its float32 result is a rounding error.
FINITE = torch.tensor([0.0, -0.0, 1.0, -1.0, nan, 1e-40, -1e-40, 88.0, 104.0, 0.5])
# The corners of the piecewise ones. PyTorch's vectors and its single elements give hardtanh
# different gradients at NaN.
CORNERS = torch.tensor([-3.0, 3.0, 0.0, -0.0, 6.0, -1.0, 1.0, inf, 1e-40, -1e-40])
NUMBERS = SPECIAL[~SPECIAL.isnan()]


def smooth(fn, special=FINITE):
    return unary(fn, special=False) | dict(special=[[special]])


def pieces(fn):
    return unary(fn, make=apart, special=False) | dict(special=[[CORNERS], [SPECIAL[SPECIAL != -inf]]])


CASES = {
    "relu": unary(torch.relu, make=apart),
    "relu6": unary(lambda x: F.relu6(x * 7), make=apart) | dict(special=[[CORNERS / 7]]),
    "leaky_relu": unary(F.leaky_relu, make=apart),
    "leaky_relu_slope": unary(lambda x: F.leaky_relu(x, -0.3), make=apart),
    "prelu": plain(F.prelu, [apart(3, 4), normal(4)], [apart(2, 3, 5), normal(3)], [apart(3, 4), normal(1)],
                   [apart(7), normal(1)], [apart(0, 3), normal(3)], [apart(), normal(1)],
                   special=[[SPECIAL.repeat(2, 1), torch.full((13,), 0.25)]]),
    "elu": unary(F.elu, make=apart),
    "elu_alpha": unary(lambda x: F.elu(x, 0.7), make=apart),
    "selu": unary(F.selu, make=apart),
    "hardtanh": pieces(F.hardtanh) | dict(special=[[CORNERS], [NUMBERS]]),
    "hardtanh_bounds": pieces(lambda x: F.hardtanh(x, -0.11, 0.37)) | dict(special=[[NUMBERS]]),
    # Not F.hardsigmoid, whose float64 gradient takes 1/6 from float32.
    "hardsigmoid": pieces(lambda x: F.relu6(x * 5.03 + 3) / 6) | dict(special=[[NUMBERS]]),
    "hardswish": pieces(lambda x: F.hardswish(x * 5.03)),
    "hardswish_corners": pieces(F.hardswish),
    "gelu": smooth(F.gelu),
    "gelu_tanh": smooth(lambda x: F.gelu(x, approximate="tanh")),
    "silu": smooth(F.silu),
    "mish": smooth(F.mish),
    "softplus": unary(F.softplus),
    "softplus_options": unary(lambda x: F.softplus(x, beta=2.5, threshold=1.0)),
    "logsigmoid": unary(F.logsigmoid),
}
