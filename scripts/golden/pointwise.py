import torch

from .common import *

GELU_SPECIAL = torch.tensor([0.0, -0.0, 1.0, -1.0, nan, 1e-40, -1e-40, 88.0, 104.0, 0.5])

CASES = {
    "exp": unary(torch.exp),
    "log": unary(torch.log, make=positive),
    "sqrt": unary(torch.sqrt, make=positive),
    "tanh": unary(torch.tanh),
    "sigmoid": unary(torch.sigmoid),
    "erf": unary(torch.erf),
    "sin": unary(torch.sin),
    "cos": unary(torch.cos),
    # PyTorch's gradients at infinity are NaN, and far below 0 its float32 result is a rounding error.
    "gelu": unary(F.gelu, special=False) | dict(special=[[GELU_SPECIAL]]),
    "gelu_tanh": unary(lambda x: F.gelu(x, approximate="tanh"), special=False)
    | dict(special=[[GELU_SPECIAL]]),
    "relu": unary(torch.relu, make=apart),
}
