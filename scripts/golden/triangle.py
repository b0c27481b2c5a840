import torch

from .common import *

special = torch.tensor([[nan, inf, -0.0], [-inf, nan, 1.0], [inf, -1.0, nan]])
CASES = {
    "tril": plain(lambda x: x.tril(), [normal(3, 4)], [normal(2, 4, 3)], [normal(0, 2)],
                  [normal(2, 0)], special=[[special]]),
    "tril_above": plain(lambda x: x.tril(1), [normal(3, 4)], [normal(4, 2)], [normal(1, 1)]),
    "triu": plain(lambda x: x.triu(), [normal(3, 4)], [normal(2, 4, 3)], [normal(0, 2)],
                  [normal(2, 0)], special=[[special]]),
    "triu_below": plain(lambda x: x.triu(-2), [normal(4, 4)], [normal(4, 2)], [normal(1, 1)]),
    "triu_far": plain(lambda x: x.triu(9), [normal(3, 4)], [normal(4, 2)], [normal(1, 1)]),
    "diag_vector": plain(lambda x: x.diag(1), [normal(3)], [normal(1)], [normal(0)]),
    "diag_matrix": plain(lambda x: x.diag(-1), [normal(3, 4)], [normal(4, 2)], [normal(1, 1)]),
    "diag_embed": plain(lambda x: x.diag_embed(), [normal(3)], [normal(2, 3)], [normal(0)]),
    "diag_embed_offset": plain(lambda x: x.diag_embed(-2, 0, -1), [normal(3)], [normal(2, 3)],
                               [normal(2, 1, 2)]),
    "trace": plain(lambda x: x.trace(), [normal(3, 4)], [normal(4, 2)], [normal(0, 2)]),
}
