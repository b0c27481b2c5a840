import torch

from .common import *

CASES = {
    "where": plain(lambda a, b: torch.where(a > b, a * 2, b), [apart(3, 4), -apart(4) * 1.01],
                   [apart(2, 3), apart(2, 3) * 1.01], [apart(5), apart(1) * 1.01]),
    "eq": comparison(torch.eq),
    "ne": comparison(torch.ne),
    "lt": comparison(torch.lt),
    "le": comparison(torch.le),
    "gt": comparison(torch.gt),
    "ge": comparison(torch.ge),
    "logical_and": comparison(torch.logical_and),
}
