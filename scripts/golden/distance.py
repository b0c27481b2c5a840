import torch

from .common import *

zero = torch.tensor([[0.0, 0.0, 0.0], [3.0, 0.0, 4.0]])

CASES = {
    "normalize": plain(F.normalize, [normal(3, 4)], [normal(2, 3, 2)], [normal(0, 3)], special=[[zero]]),
    "normalize_p": plain(lambda x: F.normalize(x, 3, -1), [apart(3, 4)], [apart(5)], [apart(2, 1, 3)]),
    "cosine_similarity": plain(F.cosine_similarity, [normal(3, 4), normal(3, 4)], [normal(2, 3, 2), normal(3, 1)],
                               [normal(1, 4), normal(3, 4)], special=[[zero, torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]])]]),
    "pairwise_distance": plain(F.pairwise_distance, [normal(3, 4), normal(3, 4)], [normal(5), normal(5)],
                               [normal(2, 1, 3), normal(4, 3)], [normal(0, 3), normal(0, 3)]),
    "pairwise_distance_p": plain(lambda a, b: F.pairwise_distance(a, b, 1.5, 1e-3, True),
                                 [apart(3, 4), -apart(3, 4) * 1.013], [apart(5), -apart(5) * 1.013],
                                 [apart(2, 1, 3), -apart(4, 3) * 1.013]),
}
