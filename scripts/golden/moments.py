import torch

from .common import *

CASES = {
    "var": plain(lambda x: x.var(), [normal(3, 4)], [normal(5)], [normal(2, 3, 4)], special=[[ties], [torch.ones(3)]]),
    "var_0": plain(lambda x: x.var(0), [normal(3, 4)], [normal(40, 17)], [normal(2, 3, 4)], [normal(3, 0)]),
    "var_many_keep": plain(lambda x: x.var((0, -1), keepdim=True), [normal(3, 4, 5)], [normal(2, 3)],
                           [normal(2, 3, 2, 2)]),
    "var_biased": plain(lambda x: x.var(1, correction=0), [normal(3, 4)], [normal(2, 3, 4)], [normal(4, 1)]),
    "var_correction_2": plain(lambda x: x.var(correction=2), [normal(3, 4)], [normal(5)], [normal(2, 3, 4)]),
    "var_one": plain(lambda x: x.var(1), [normal(0, 4)], [normal(3, 2)], [normal(4, 3)],
                     special=[[torch.ones(3, 1)], [torch.ones(2, 0)]]),
    "std": plain(lambda x: x.std(), [normal(3, 4)], [normal(5)], [normal(2, 3, 4)], special=[[torch.ones(3)]]),
    "std_0": plain(lambda x: x.std(0), [normal(3, 4)], [normal(40, 17)], [normal(2, 3, 4)]),
    "std_biased_keep": plain(lambda x: x.std(1, correction=0, keepdim=True), [normal(3, 4)],
                             [normal(2, 3, 4)], [normal(4, 2)],
                             special=[[torch.tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]])]]),
    "var_mean": plain(lambda x: sum(torch.var_mean(x, 1)), [normal(3, 4)], [normal(2, 3, 4)], [normal(4, 2)]),
}
