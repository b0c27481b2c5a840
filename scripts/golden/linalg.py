import torch

from .common import *

CASES = {
    "matmul": plain(torch.matmul, [normal(3, 4), normal(4, 5)], [normal(17, 33), normal(33, 9)],
                    [normal(1, 1), normal(1, 1)], [normal(3, 0), normal(0, 2)],
                    [normal(0, 3), normal(3, 2)]),
    "matmul_vector": plain(torch.matmul, [normal(4), normal(4)], [normal(4), normal(4, 3)],
                           [normal(3, 4), normal(4)], [normal(2, 3, 4), normal(4)],
                           [normal(4), normal(2, 4, 3)]),
    "matmul_batch": plain(torch.matmul, [normal(2, 3, 4), normal(2, 4, 5)],
                          [normal(5, 1, 3, 4), normal(2, 4, 2)], [normal(2, 3, 4), normal(4, 5)],
                          [normal(3, 4), normal(2, 4, 5)], [normal(0, 3, 4), normal(0, 4, 2)]),
    "linear": plain(F.linear, [normal(3, 4), normal(5, 4), normal(5)],
                    [normal(2, 3, 7), normal(6, 7), normal(6)], [normal(4), normal(2, 4), normal(2)],
                    [normal(0, 4), normal(3, 4), normal(3)]),
    "linear_relu": plain(lambda x, w, b: torch.relu(F.linear(x, w, b)),
                         [normal(3, 4), normal(5, 4), normal(5)],
                         [normal(70, 9), normal(37, 9), normal(37)],
                         [normal(2, 3, 7), normal(6, 7), normal(6)],
                         [normal(0, 4), normal(3, 4), normal(3)]),
    "linear_no_bias": plain(F.linear, [normal(3, 4), normal(5, 4)], [normal(9, 31), normal(17, 31)],
                            [normal(4), normal(2, 4)]),
}
