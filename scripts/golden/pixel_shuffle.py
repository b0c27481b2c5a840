import torch

from .common import *

CASES = {
    "pixel_shuffle": plain(lambda x: F.pixel_shuffle(x, 2), [normal(2, 8, 2, 3)], [normal(4, 3, 1)],
                           [normal(1, 2, 4, 1, 2)]),
    "pixel_unshuffle": plain(lambda x: F.pixel_unshuffle(x, 2), [normal(2, 2, 4, 2)], [normal(1, 2, 6)],
                             [normal(1, 2, 1, 2, 4)]),
}
