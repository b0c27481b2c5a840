import torch

from .common import *

CASES = {
    "transpose": plain(lambda x: x.transpose(0, -1), [normal(3, 4)], [normal(2, 3, 4)], [normal(5)],
                       [normal(0, 2)]),
    "permute": plain(lambda x: x.permute(2, 0, -2), [normal(2, 3, 4)], [normal(1, 5, 2)],
                     [normal(3, 0, 2)]),
    "reshape": plain(lambda x: x.reshape(2, -1), [normal(4, 3)], [normal(2, 3, 4)], [normal(8)],
                     [normal(6, 1)]),
    "view": plain(lambda x: x.view(-1), [normal(4, 3)], [normal()], [normal(0, 3)], [normal(2, 2, 2)]),
    "flatten": plain(lambda x: x.flatten(1), [normal(4, 3)], [normal(2, 3, 4)], [normal(2, 0, 4)],
                     [normal(1, 2, 2, 2)]),
    "squeeze": plain(lambda x: x.squeeze(1), [normal(4, 1)], [normal(4, 3)], [normal(2, 1, 0)]),
    "unsqueeze": plain(lambda x: x.unsqueeze(-1), [normal(4)], [normal(4, 3)], [normal()],
                       [normal(0)]),
    "expand": plain(lambda x: x.expand(2, 3, 4), [normal(4)], [normal(3, 1)], [normal(2, 3, 4)],
                    [normal()]),
    "slice": plain(lambda x: x[1:5:2], [normal(6)], [normal(4, 3)], [normal(1, 2)], [normal(0, 2)]),
    "slice_negative": plain(lambda x: x[..., -3:-1], [normal(6)], [normal(4, 5)], [normal(2, 2)]),
    "contiguous": plain(lambda x: x.t().contiguous(), [normal(3, 4)], [normal(1, 5)], [normal(0, 2)]),
    "clone": plain(lambda x: x.clone(), [normal(3, 4)], [normal()], [normal(0, 2)]),
    "to_float64": plain(lambda x: x.to(torch.float64), [normal(3, 4)], [normal()], [normal(0, 2)]),
}
