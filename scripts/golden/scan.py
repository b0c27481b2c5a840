import torch

from .common import *

ZEROS = torch.tensor([[1.5, 0.0, -2.0, 3.0], [0.0, 2.0, 0.0, 1.0], [1.0, 2.0, 3.0, -4.0], [0.0, 0.0, 0.0, 0.0]],
                     dtype=torch.float64)

CASES = {
    "cumsum_0": plain(lambda x: x.cumsum(0), [normal(3, 4)], [normal(5)], [normal(2, 3, 4)],
                      [normal(0, 3)], [normal(70, 33)], special=[[ties.t().contiguous()]]),
    "cumsum_last": plain(lambda x: x.cumsum(-1), [normal(3, 4)], [normal(2, 100)], [normal()],
                         [normal(3, 0)], special=[[ties]]),
    "cumprod_0": plain(lambda x: x.cumprod(0), [normal(3, 4)], [normal(5)], [normal(2, 3, 4)],
                       [normal(0, 3)], [ZEROS.t()], [normal(12, 33)]),
    "cumprod_last": plain(lambda x: x.cumprod(-1), [normal(3, 4)], [normal(2, 20)], [normal()],
                          [normal(3, 0)], [ZEROS]),
    "cumprod_1": plain(lambda x: x.cumprod(1), [normal(3, 4)], [normal(2, 3, 4)], [normal(4, 1)], [ZEROS]),
}
