import torch

from .common import *

special = torch.tensor([[nan, 1.0, 1.0, -inf, 0.0, -0.0, inf, nan]])
values = torch.tensor([nan, -inf, -1.0, 0.0, -0.0, 0.5, 2.0, 9.0, inf])
CASES = {
    "sort": plain(lambda x: x.sort().values, [apart(7)], [apart(3, 4)], [apart(2, 3, 5)],
                  [torch.tensor(2.0)], [apart(0, 3)], special=[[special]]),
    "sort_0": plain(lambda x: x.sort(0, descending=True).values, [apart(7)], [apart(4, 3)],
                    [apart(2, 3, 2)], [apart(0, 3)], special=[[special.t().contiguous()]]),
    "argsort": plain(lambda x: x.argsort(1), [apart(3, 4)], [apart(2, 5, 3)], [apart(2, 1)],
                     [apart(3, 0)], differentiable=False),
    "argsort_stable": plain(lambda x: torch.sort(x, dim=-1, descending=True, stable=True).indices,
                            [apart(7)], [apart(3, 4)], [torch.tensor(2.0)],
                            special=[[special], [torch.tensor([1.0, 2.0, 1.0, 2.0, 1.0])]],
                            differentiable=False),
    "topk": plain(lambda x: x.topk(3).values, [apart(7)], [apart(3, 4)], [apart(2, 3, 3)],
                  [apart(0, 3)], special=[[special]]),
    "topk_smallest": plain(lambda x: x.topk(2, 0, largest=False).values, [apart(7)], [apart(4, 3)],
                           [apart(2, 3, 2)], special=[[special.t().contiguous()]]),
    "topk_indices": plain(lambda x: x.topk(2, 1).indices, [apart(3, 4)], [apart(2, 5, 3)],
                          [apart(1, 2)], differentiable=False),
    "unique": plain(lambda x: x.unique(), [normal(9).round()], [normal(2, 3, 4).round()],
                    [torch.zeros(0)], [torch.tensor(1.0)], differentiable=False),
    "unique_inverse": plain(lambda x: x.unique(return_inverse=True)[1], [normal(9).round()],
                            [normal(2, 3, 4).round()], [torch.tensor(1.0)], differentiable=False),
    "unique_counts": plain(lambda x: x.unique(return_counts=True)[1], [normal(9).round()],
                           [normal(2, 3, 4).round()], [torch.tensor(1.0)], differentiable=False),
    "searchsorted": plain(torch.searchsorted, [apart(7).sort().values, normal(2, 5)],
                          [apart(2, 4).sort().values, normal(2, 3)], [apart(3).sort().values, normal()],
                          [torch.zeros(0), normal(3)],
                          special=[[torch.tensor([-inf, 0.0, 0.5, 0.5, 2.0, inf]), values]],
                          differentiable=False),
    "searchsorted_right": plain(lambda s, x: torch.searchsorted(s, x, right=True),
                                [apart(7).sort().values, normal(2, 5)],
                                [apart(2, 4).sort().values, normal(2, 3)],
                                [apart(3).sort().values, normal()],
                                special=[[torch.tensor([-inf, 0.0, 0.5, 0.5, 2.0, inf]), values]],
                                differentiable=False),
    "bucketize": plain(torch.bucketize, [normal(3, 4), torch.tensor([-1.0, 0.0, 1.0])],
                       [normal(), torch.tensor([-1.0, 0.0])], [normal(0, 2), torch.zeros(2)],
                       differentiable=False),
}
