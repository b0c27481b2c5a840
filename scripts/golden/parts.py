import torch

from .common import *

CASES = {
    "select": plain(lambda x: x.select(-1, -1), [normal(4)], [normal(3, 4)], [normal(2, 3, 2)],
                    [normal(0, 2)]),
    "narrow": plain(lambda x: x.narrow(0, 1, 2), [normal(4)], [normal(3, 4)], [normal(3, 0)]),
    "narrow_end": plain(lambda x: x.narrow(1, -2, 2), [normal(3, 4)], [normal(2, 2, 2)],
                        [normal(0, 3)]),
    "split": plain(lambda x: torch.cat(x.split(2, 1)[::-1], 1), [normal(2, 5)], [normal(3, 4, 2)],
                   [normal(2, 1)], [normal(0, 3)]),
    "split_sizes": plain(lambda x: x.split([1, 0, 3])[2], [normal(4)], [normal(4, 3)],
                         [normal(4, 0)]),
    "chunk": plain(lambda x: x.chunk(3, -1)[1], [normal(5)], [normal(2, 6)], [normal(2, 1, 7)],
                   [normal(0, 3)]),
    "unbind": plain(lambda x: x.unbind(1)[0] * x.unbind(1)[1], [normal(3, 2)], [normal(2, 3, 2)],
                    [normal(0, 2)]),
    "diagonal": plain(lambda x: x.diagonal(), [normal(3, 4)], [normal(4, 3)], [normal(2, 3, 2)],
                      [normal(0, 2)]),
    "diagonal_offset": plain(lambda x: x.diagonal(-1, -1, 0), [normal(3, 4)], [normal(2, 2, 4)],
                             [normal(1, 1)]),
    "tensor_unfold": plain(lambda x: x.unfold(0, 3, 1), [normal(7)], [normal(4, 3)], [normal(3, 2, 2)],
                    [normal(4, 0)]),
    "tensor_unfold_0d": plain(lambda x: x.unfold(0, 1, 2), [normal()], [normal()], [normal()]),
    "tensor_unfold_step": plain(lambda x: x.unfold(-1, 2, 3), [normal(9)], [normal(2, 6)], [normal(3, 2)],
                         [normal(0, 4)]),
    "tensor_unfold_overlap": plain(lambda x: x.unfold(1, 4, 2), [normal(2, 9)], [normal(1, 4)],
                            [normal(2, 6, 2)]),
}
