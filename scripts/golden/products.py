import torch

from .common import *

x23 = [normal(3), normal(2, 4), normal(4, 3)]
CASES = {
    "mm": plain(torch.mm, [normal(3, 4), normal(4, 2)], [normal(1, 1), normal(1, 1)],
                [normal(2, 0), normal(0, 3)]),
    "bmm": plain(torch.bmm, [normal(2, 3, 4), normal(2, 4, 2)], [normal(1, 1, 3), normal(1, 3, 1)],
                 [normal(0, 2, 3), normal(0, 3, 2)]),
    "mv": plain(torch.mv, [normal(3, 4), normal(4)], [normal(1, 2), normal(2)],
                [normal(2, 0), normal(0)]),
    "dot": plain(torch.dot, [normal(5), normal(5)], [normal(1), normal(1)], [normal(0), normal(0)]),
    "outer": plain(torch.outer, [normal(3), normal(4)], [normal(1), normal(2)], [normal(0), normal(2)]),
    "kron": plain(torch.kron, [normal(2, 3), normal(2, 2)], [normal(3), normal(2, 2)],
                  [normal(), normal(2)], [normal(0, 2), normal(2, 1)]),
    "addmm": plain(torch.addmm, [normal(2, 3), normal(2, 4), normal(4, 3)], x23,
                   [normal(), normal(2, 1), normal(1, 2)], [normal(2, 1), normal(2, 0), normal(0, 3)]),
    "addmm_scaled": plain(lambda x, a, b: torch.addmm(x, a, b, beta=0.5, alpha=-2), x23,
                          [normal(2, 3), normal(2, 4), normal(4, 3)],
                          [normal(2, 1), normal(2, 3), normal(3, 1)]),
    "addmm_beta_0": plain(lambda x, a, b: torch.addmm(x, a, b, beta=0), x23,
                          [normal(2, 3), normal(2, 4), normal(4, 3)],
                          [normal(2, 1), normal(2, 3), normal(3, 1)],
                          special=[[torch.full((2, 2), nan), torch.eye(2), torch.ones(2, 2)]]),
    "baddbmm": plain(lambda x, a, b: torch.baddbmm(x, a, b, beta=0.5, alpha=2),
                     [normal(2, 3, 2), normal(2, 3, 4), normal(2, 4, 2)],
                     [normal(2), normal(2, 3, 1), normal(2, 1, 2)],
                     [normal(3, 1), normal(0, 3, 2), normal(0, 2, 2)]),
    "addmv": plain(lambda x, a, v: torch.addmv(x, a, v, beta=0.5, alpha=2),
                   [normal(3), normal(3, 4), normal(4)], [normal(1), normal(2, 3), normal(3)],
                   [normal(), normal(3, 2), normal(2)]),
}
