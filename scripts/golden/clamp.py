import torch

from .common import *

A = torch.tensor([1.0, 2.0, 3.0])
# Every order of x, min and max, ties among them.
X, LOW, HIGH = (t.flatten() for t in torch.meshgrid(A, A, A, indexing="ij"))
NANS = [torch.tensor([1.0, 2.0, nan, 1.0]), torch.tensor([nan, 1.0, 1.0, 0.0]), torch.tensor([3.0, nan, 4.0, 2.0])]


def against(*shape):
    return -apart(*shape) * 1.01


CASES = {
    "maximum": binary(torch.maximum, make_a=apart, make_b=against),
    "minimum": binary(torch.minimum, make_a=apart, make_b=against),
    "clamp": unary(lambda x: x.clamp(-0.11, 0.13), make=apart) | dict(special=[[SPECIAL], [torch.tensor([-0.11, 0.13])]]),
    "clamp_min": unary(lambda x: x.clamp(min=0), make=apart),
    "clamp_max": unary(lambda x: x.clamp(max=0.5), make=apart),
    "clamp_crossed": unary(lambda x: x.clamp(0.3, -0.2), make=apart),
    "clamp_tensors": plain(torch.clamp, [apart(3, 4), -positive(4) * 0.1, positive(3, 1) * 0.1],
                           [apart(5), against(5), positive(5) * 0.1], [apart(4), apart() * 3, apart(1) * -4],
                           [apart(0, 3), apart(3), apart(1)],
                           special=[[X, LOW, HIGH], NANS]),
    "clamp_min_tensor": plain(lambda x, a: torch.clamp(x, min=a), [apart(3, 4), against(4)],
                              [apart(5), against(5)], [apart(), against(3)],
                              special=[[X, LOW], NANS[:2]]),
    "clamp_max_tensor": plain(lambda x, a: torch.clamp(x, max=a), [apart(3, 4), against(4)],
                              [apart(5), against(5)], [apart(), against(3)],
                              special=[[X, LOW], NANS[:2]]),
}
