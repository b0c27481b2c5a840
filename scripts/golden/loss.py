import torch

from .common import *

CASES = {
    "cross_entropy": plain(F.cross_entropy, [normal(3, 4), labels(3, 4)], [normal(32, 10), labels(32, 10)],
                           [normal(1, 1), labels(1, 1)], [normal(5), torch.tensor(2)],
                           special=[[rows, torch.tensor([2, 1, 0, 1])]]),
    "cross_entropy_sum": plain(lambda x, t: F.cross_entropy(x, t, reduction="sum"),
                               [normal(3, 4), labels(3, 4)], [normal(9, 17), labels(9, 17)],
                               [normal(0, 3), labels(0, 3)]),
    "cross_entropy_none": plain(lambda x, t: F.cross_entropy(x, t, reduction="none"),
                                [normal(3, 4), labels(3, 4)], [normal(9, 17), labels(9, 17)],
                                [normal(5), torch.tensor(2)]),
    "cross_entropy_probabilities": plain(
        F.cross_entropy, [normal(3, 4), normal(3, 4).softmax(1)], [normal(9, 17), normal(9, 17).softmax(1)],
        [normal(5), normal(5).softmax(0)]),
    "mse_loss": plain(F.mse_loss, [normal(3, 4), normal(3, 4)], [normal(), normal()],
                      [normal(2, 3, 4), normal(2, 3, 4)]),
    "mse_loss_sum": plain(lambda x, t: F.mse_loss(x, t, reduction="sum"), [normal(3, 4), normal(3, 4)],
                          [normal(0, 2), normal(0, 2)], [normal(7), normal(7)]),
    "mse_loss_none": plain(lambda x, t: F.mse_loss(x, t, reduction="none"),
                           [normal(3, 4), normal(3, 4)], [normal(0, 2), normal(0, 2)], [normal(7), normal(7)]),
}
