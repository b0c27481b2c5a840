import torch

from .common import *

# PyTorch pads by these modes in the last dims only, of tensors of more dims.
CASES = {
    "pad": plain(lambda x: F.pad(x, (1, 2)), [normal(3)], [normal(2, 3)], [normal(2, 0)],
                 [normal(0, 2)]),
    "pad_many": plain(lambda x: F.pad(x, (1, 0, 2, 1), value=0.5), [normal(2, 3)],
                      [normal(2, 1, 2)], [normal(0, 2)]),
    "pad_crop": plain(lambda x: F.pad(x, (-1, 2, 1, -2), value=-1.0), [normal(3, 4)],
                      [normal(2, 2, 1)], [normal(4, 5)]),
    "pad_reflect": plain(lambda x: F.pad(x, (2, 1), mode="reflect"), [normal(2, 4)],
                         [normal(2, 1, 3)], [normal(1, 6)]),
    "pad_reflect_many": plain(lambda x: F.pad(x, (1, 1, 2, 0), mode="reflect"), [normal(1, 3, 4)],
                              [normal(2, 1, 3, 2)], [normal(2, 4, 2)]),
    "pad_replicate": plain(lambda x: F.pad(x, (3, 1), mode="replicate"), [normal(2, 2)],
                           [normal(1, 2, 3)], [normal(3, 1)]),
    "pad_replicate_many": plain(lambda x: F.pad(x, (1, 2, 2, 0), mode="replicate"),
                                [normal(1, 2, 3)], [normal(2, 1, 3, 1)], [normal(1, 3, 2)]),
    "pad_circular": plain(lambda x: F.pad(x, (2, 1), mode="circular"), [normal(2, 3)],
                          [normal(1, 2, 2)], [normal(3, 4)]),
}
