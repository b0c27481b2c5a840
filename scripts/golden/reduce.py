import torch

from .common import *

ZEROS = torch.tensor([[1.5, 0.0, -2.0, 3.0], [0.0, 2.0, 0.0, 1.0], [1.0, 2.0, 3.0, -4.0], [0.0, 0.0, 0.0, 0.0]],
                     dtype=torch.float64)
LOG_ROWS = torch.tensor([[1.0, 2.0, 1000.0], [-inf, 0.0, 1.0], [nan, 0.0, 1.0], [-1e4, -1e4, -1e4],
                         [-inf, -inf, -inf], [88.0, 89.0, 88.0]])

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
    # With zeros too: the derivative is there, and right only where nothing is divided.
    "prod": plain(lambda x: x.prod(), [normal(3, 4)], [normal()], [normal(0, 3)], [ZEROS[0]], [ZEROS[1]],
                  [normal(7)]),
    "prod_0": plain(lambda x: x.prod(0), [normal(3, 4)], [normal(5)], [normal(0, 3)], [normal(40, 17)],
                    [ZEROS], [ZEROS.t()]),
    "prod_1_keep": plain(lambda x: x.prod(1, keepdim=True), [normal(3, 4)], [normal(2, 3, 4)], [ZEROS],
                         [normal(3, 0)], [normal(4, 1)]),
    "logsumexp": plain(lambda x: x.logsumexp(-1), [normal(3, 4)], [normal(2, 3, 4)], [normal(5)], [normal()],
                       special=[[LOG_ROWS]]),
    "logsumexp_0_keep": plain(lambda x: x.logsumexp(0, keepdim=True), [normal(3, 4)], [normal(40, 17)],
                              [normal(5)], special=[[LOG_ROWS.t().contiguous()]]),
    "logsumexp_many": plain(lambda x: x.logsumexp((0, -1)), [normal(3, 4, 5)], [normal(2, 3)],
                            [normal(2, 3, 2, 2)]),
    "any": plain(lambda x: x.round().any(), [normal(3, 4) * 0.1], [normal()], [normal(0, 3)], [normal(700)],
                 special=[[ties]], differentiable=False),
    "any_1": plain(lambda x: (x > 0.7).any(1), [normal(3, 4)], [normal(2, 3, 4)], [normal(3, 0)],
                   [normal(0, 3)], [normal(20, 33)], differentiable=False),
    "any_many": plain(lambda x: (x > 0.7).any((0, 2), keepdim=True), [normal(3, 4, 2)], [normal(1, 3, 2)],
                      [normal(3, 2, 0)], differentiable=False),
    "all": plain(lambda x: x.all(), [normal(3, 4)], [normal()], [normal(0, 3)], [normal(5).round()],
                 special=[[ties]], differentiable=False),
    "all_1": plain(lambda x: (x < 0.7).all(1), [normal(3, 4)], [normal(2, 3, 4)], [normal(3, 0)],
                   [normal(0, 3)], [normal(20, 33)], differentiable=False),
    "all_many": plain(lambda x: (x < 0.7).all((0, 2), keepdim=True), [normal(3, 4, 2)], [normal(1, 3, 2)],
                      [normal(3, 2, 0)], differentiable=False),
    "count_nonzero": plain(lambda x: x.round().count_nonzero(), [normal(3, 4)], [normal()], [normal(0, 3)],
                           special=[[ties]], differentiable=False),
    "count_nonzero_many": plain(lambda x: x.round().count_nonzero((0, -1)), [normal(3, 4, 5)], [normal(2, 3)],
                                [normal(0, 3, 2)], differentiable=False),
}
