import torch

from .common import *

CASES = {
    "cumsum_0": plain(lambda x: x.cumsum(0), [normal(3, 4)], [normal(5)], [normal(2, 3, 4)],
                      [normal(0, 3)], [normal(70, 33)], special=[[ties.t().contiguous()]]),
    "cumsum_last": plain(lambda x: x.cumsum(-1), [normal(3, 4)], [normal(2, 100)], [normal()],
                         [normal(3, 0)], special=[[ties]]),
}
