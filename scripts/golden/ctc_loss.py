import torch

from .common import *

# Equal neighbours among the labels (that need a blank between them), one alone, and none.
padded = torch.tensor([[1, 2, 2], [3, 1, 0], [0, 0, 0]])
target_lengths = torch.tensor([3, 1, 0])
input_lengths = torch.tensor([5, 4, 2])
tied = torch.tensor([1, 2, 2, 3])
# The first of these has no alignment: three labels, two of them equal, need four steps.
short = torch.tensor([3, 4, 0])


def ctc(*sets, special=(), **options):
    """log_softmax is part of the case: PyTorch's gradient is right only behind one."""
    return plain(lambda x, *t: F.ctc_loss(x.log_softmax(-1), *t, **options), *sets, special=special)


SETS = [[normal(5, 3, 4), padded, input_lengths, target_lengths],
        [normal(5, 3, 4), tied, input_lengths, target_lengths],
        [normal(4, 3), torch.tensor([2, 1]), torch.tensor(4), torch.tensor(2)]]

CASES = {
    "ctc_loss": ctc(*SETS),
    "ctc_loss_sum": ctc(*SETS, reduction="sum"),
    "ctc_loss_none": ctc(*SETS, reduction="none"),
    "ctc_loss_blank": ctc([normal(4, 2, 3), torch.tensor([[0, 1], [1, 0]]), torch.tensor([4, 3]), torch.tensor([2, 1])],
                          [normal(3, 1, 4), torch.tensor([[1, 0, 3]]), torch.tensor([3]), torch.tensor([2])],
                          [normal(4, 4), torch.tensor([3, 1, 3]), torch.tensor(4), torch.tensor(3)], blank=2),
    "ctc_loss_zero_infinity": ctc([normal(5, 3, 4), padded, short, target_lengths],
                                  [normal(2, 1, 3), torch.tensor([[1, 1]]), torch.tensor([2]), torch.tensor([2])],
                                  [normal(4, 3), torch.tensor([2, 1]), torch.tensor(4), torch.tensor(2)],
                                  zero_infinity=True),
}
