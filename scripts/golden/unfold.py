import torch

from .common import *

CASES = {
    "unfold": plain(lambda x: F.unfold(x, (2, 3)), [normal(2, 2, 3, 4)], [normal(3, 4, 3)],
                    [normal(1, 1, 2, 3)]),
    "unfold_options": plain(lambda x: F.unfold(x, 2, dilation=(1, 2), padding=1, stride=(2, 1)),
                            [normal(2, 2, 3, 4)], [normal(3, 4, 3)], [normal(1, 1, 1, 1)]),
    "fold": plain(lambda x: F.fold(x, (3, 4), (2, 3)), [normal(2, 12, 4)], [normal(6, 4)],
                  [normal(1, 18, 4)]),
    "fold_options": plain(lambda x: F.fold(x, (4, 3), 2, dilation=(1, 2), padding=1, stride=(2, 1)),
                          [normal(2, 8, 9)], [normal(4, 9)], [normal(1, 12, 9)]),
}
