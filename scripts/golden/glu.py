import torch

from .common import *

CASES = {
    "glu": plain(F.glu, [normal(3, 4)], [normal(2)], [normal(2, 3, 6)], [normal(0, 4)]),
    "glu_0": plain(lambda x: F.glu(x, 0), [normal(2, 3)], [normal(4)], [normal(4, 1, 2)]),
}
