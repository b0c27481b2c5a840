import torch

from .common import *

CASES = {
    "sum": plain(lambda x: x.sum(), [normal(3, 4)], [normal()], [normal(0, 3)], [normal(3, 700)],
                 special=[[ties]]),
    "sum_0": plain(lambda x: x.sum(0), [normal(3, 4)], [normal(5)], [normal(0, 3)], [normal(100, 17)],
                   [normal(2, 3, 4)]),
    "sum_1_keep": plain(lambda x: x.sum(1, keepdim=True), [normal(3, 4)], [normal(3, 0)],
                        [normal(2, 3, 4)], [normal(2, 40, 65)]),
    "sum_many": plain(lambda x: x.sum((0, -1)), [normal(3, 4, 5)], [normal(2, 3)], [normal(2, 3, 0)],
                      [normal(2, 3, 4, 5)]),
    "mean": plain(lambda x: x.mean(), [normal(3, 4)], [normal()], [normal(2, 1, 7)],
                  special=[[ties], [torch.zeros(0)]]),
    "mean_1": plain(lambda x: x.mean(1), [normal(3, 4)], [normal(2, 3, 4)], [normal(5, 1)],
                    [normal(0, 3)]),
    "max": plain(lambda x: x.max(), [apart(3, 4)], [apart(5)], [apart(2, 3, 2)],
                 special=[[torch.tensor([1.0, 3.0, 3.0])], [torch.tensor([inf, 1.0])]]),
    "max_0": plain(lambda x: x.max(0).values, [apart(3, 4)], [apart(5)], [apart(2, 3, 2)],
                   special=[[ties.t().contiguous()]]),
    "max_last_keep": plain(lambda x: x.max(-1, keepdim=True).values, [apart(3, 4)], [apart(5)],
                           [apart(2, 3, 2)], [apart(0, 3)], special=[[ties]]),
    "argmax": plain(lambda x: x.argmax(), [apart(3, 4)], [apart(5)], [apart(2, 3, 2)],
                    special=[[ties], [torch.tensor(2.0)]], differentiable=False),
    "argmax_0": plain(lambda x: x.argmax(0), [apart(3, 4)], [apart(5)], [apart(2, 3, 2)],
                      special=[[ties.t().contiguous()]], differentiable=False),
}
