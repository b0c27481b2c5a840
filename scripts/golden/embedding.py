import torch

from .common import *
from .gather import below


def row_filled(w):
    return w.index_fill(0, torch.tensor(w.shape[0] - 2), 2.0)


CASES = {
    "embedding": plain(F.embedding, [below(5, 7), normal(5, 3)], [below(4, 2, 3), normal(4, 2)],
                       [below(3), normal(3, 2)], [below(1, 0, 2), normal(3, 2)],
                       [below(3, 4), normal(3, 0)]),
    # Without the padding row in the result: a gradient that leaves it out is no derivative.
    "embedding_padding": plain(lambda i, w: F.embedding(i, row_filled(w), padding_idx=-2),
                               [below(3, 7), normal(3, 3)], [below(2, 2, 3), normal(2, 2)],
                               [torch.tensor([1, 1]), normal(3, 2)]),
    "one_hot": plain(F.one_hot, [below(4, 6)], [below(3, 2, 3)], [below(2)], differentiable=False),
    "one_hot_classes": plain(lambda x: F.one_hot(x, 5), [below(4, 6)], [below(5, 2, 3)],
                             [below(1, 0)], differentiable=False),
}
