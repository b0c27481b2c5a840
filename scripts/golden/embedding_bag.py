import torch

from .common import *

# Bags: one of three, an empty one, one with an index twice; then to the end.
offsets = torch.tensor([0, 3, 3, 6])
indices = torch.tensor([1, 0, 4, 2, 2, 3, 0])


def two_dims(n, size):
    return torch.randint(0, 5, (n, size), generator=generator)


def bags(**options):
    """The table comes first: the tests ask the first input for the dtype."""
    return plain(lambda w, i, *o: F.embedding_bag(i, w, *o, **options),
                 [normal(5, 3), indices, offsets], [normal(5, 2), two_dims(3, 4)],
                 [normal(5, 1), two_dims(1, 1)], [normal(5, 3), two_dims(0, 2)])


CASES = {
    "embedding_bag_sum": bags(mode="sum"),
    "embedding_bag_mean": bags(mode="mean"),
    "embedding_bag_max": bags(mode="max"),
    "embedding_bag_padding": bags(mode="mean", padding_idx=2),
    "embedding_bag_weighted": plain(
        lambda w, f, i, *o: F.embedding_bag(i, w, *o, mode="sum", per_sample_weights=f),
        [normal(5, 3), normal(7), indices, offsets], [normal(5, 2), normal(2, 3), two_dims(2, 3)],
        [normal(5, 1), normal(1, 1), two_dims(1, 1)]),
}
