import torch

from .common import *

CASES = {
    "cat": plain(lambda *x: torch.cat(x), [normal(2, 3), normal(1, 3)], [normal(4)],
                 [normal(2), normal(0), normal(3)], [normal(0, 2), normal(3, 2), normal(1, 2)]),
    "cat_last": plain(lambda *x: torch.cat(x, -1), [normal(2, 3), normal(2, 1), normal(2, 2)],
                      [normal(2, 1, 3), normal(2, 1, 0)], [normal(3), normal(2)]),
    "cat_empty": plain(lambda *x: torch.cat(x, 1), [torch.zeros(0), normal(2, 3), normal(2, 1)],
                       [normal(2, 3), torch.zeros(0)], [normal(3, 1), torch.zeros(0), normal(3, 2)]),
    "stack": plain(lambda *x: torch.stack(x), [normal(2, 3), normal(2, 3)], [normal(), normal()],
                   [normal(3), normal(3), normal(3)], [normal(0, 2), normal(0, 2)]),
    "stack_last": plain(lambda *x: torch.stack(x, -1), [normal(2, 3), normal(2, 3)],
                        [normal(), normal()], [normal(4)]),
    "repeat": plain(lambda x: x.repeat(2, 3), [normal(2, 3)], [normal(3)], [normal()], [normal(0, 2)]),
    "repeat_new": plain(lambda x: x.repeat(2, 1, 3, 1), [normal(2, 2)], [normal(2, 1, 2)],
                        [normal(3)]),
    "repeat_none": plain(lambda x: x.repeat(0, 2), [normal(2, 3)], [normal(3)], [normal()]),
    "tile": plain(lambda x: x.tile(2), [normal(2, 3)], [normal(3)], [normal()], [normal(0, 2)]),
    "flip": plain(lambda x: x.flip(0), [normal(4)], [normal(2, 3)], [normal(0, 2)], [normal(1, 3, 2)]),
    "flip_many": plain(lambda x: x.flip(0, -1), [normal(3, 4)], [normal(2, 3, 2)], [normal(2, 0)]),
    "roll": plain(lambda x: x.roll(2), [normal(5)], [normal(2, 3)], [normal()], [normal(0, 2)]),
    "roll_dim": plain(lambda x: x.roll(-4, 1), [normal(2, 3)], [normal(2, 5, 2)], [normal(2, 0)]),
    "roll_many": plain(lambda x: x.roll((1, -1), (0, 1)), [normal(2, 3)], [normal(3, 2, 2)],
                       [normal(0, 2)]),
}
