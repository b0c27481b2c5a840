import torch

from .common import *

CASES = {
    "softmax_0": plain(lambda x: x.softmax(0), [normal(3, 4)], [normal(5)], [normal(2, 3, 4)],
                       [normal(0, 3)], special=[[rows.t().contiguous()]]),
    "softmax_last": plain(lambda x: x.softmax(-1), [normal(3, 4)], [normal(4, 100)], [normal()],
                          [normal(2, 0)], special=[[rows]]),
    "log_softmax_0": plain(lambda x: x.log_softmax(0), [normal(3, 4)], [normal(5)],
                           [normal(2, 3, 4)], [normal(0, 3)]),
    "log_softmax_last": plain(lambda x: x.log_softmax(-1), [normal(3, 4)], [normal(4, 100)],
                              [normal()], [normal(2, 0)], special=[[rows]]),
}
