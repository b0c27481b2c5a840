import torch

from .common import *

pixels = torch.tensor([[[0, 2], [1, -100]], [[2, 2], [-100, 0]]])
weight = torch.tensor([0.5, 2.0, 1.25, 0.75], dtype=torch.float64)


def probabilities(*shape, dim=1):
    return normal(*shape).softmax(dim)


def inside(*shape):
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 0.8 + 0.1


def smoothed(x, t, **options):
    return F.cross_entropy(x, t, label_smoothing=0.3, **options)


def weighted(fn, **options):
    return lambda x, t: fn(x, t, weight=weight[:x.shape[min(1, x.dim() - 1)]].to(x.dtype), **options)


LABELLED = [[normal(3, 4), labels(3, 4)], [normal(2, 3, 2, 2), pixels], [normal(4), torch.tensor(2)]]
# The corners of probabilities, where the logarithms are cut off.
corners = [torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1e-30, 0.5]),
           torch.tensor([0.0, 1.0, 0.5, 0.0, 1.0, 0.25, 1.0, 0.5])]
scores = [torch.tensor([0.0, -0.0, 90.0, -90.0, 800.0, -800.0, nan]),
          torch.tensor([0.5, 1.0, 1.0, 1.0, 0.25, 0.25, 0.5])]

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
        F.cross_entropy, [normal(3, 4), probabilities(3, 4)], [normal(9, 17), probabilities(9, 17)],
        [normal(5), probabilities(5, dim=0)], [normal(2, 3, 2), probabilities(2, 3, 2)]),
    "cross_entropy_ignored": plain(F.cross_entropy, [normal(3, 4), torch.tensor([1, -100, 0])],
                                   [normal(2, 3, 2, 2), pixels], [normal(2, 3, 2), pixels[:, 0]],
                                   special=[[normal(2, 3), torch.tensor([-100, -100])]]),
    "cross_entropy_weighted": plain(weighted(F.cross_entropy), *LABELLED),
    "cross_entropy_weighted_none": plain(weighted(F.cross_entropy, reduction="none", ignore_index=2),
                                         [normal(3, 4), torch.tensor([1, 2, 0])],
                                         [normal(2, 3, 2), torch.tensor([[0, 2], [1, 1]])],
                                         [normal(4), torch.tensor(1)]),
    "cross_entropy_smoothed": plain(smoothed, *LABELLED),
    "cross_entropy_smoothed_weighted": plain(weighted(smoothed), *LABELLED),
    "cross_entropy_smoothed_probabilities": plain(
        weighted(smoothed), [normal(3, 4), probabilities(3, 4)], [normal(4), probabilities(4, dim=0)],
        [normal(2, 3, 2), probabilities(2, 3, 2)]),
    "nll_loss": plain(F.nll_loss, *LABELLED, special=[[rows, torch.tensor([2, 0, 1, 1])]]),
    "nll_loss_weighted": plain(weighted(F.nll_loss), *LABELLED),
    "nll_loss_none": plain(weighted(F.nll_loss, reduction="none"), *LABELLED),
    "binary_cross_entropy": plain(F.binary_cross_entropy, [inside(3, 4), inside(3, 4)], [inside(), inside()],
                                  [inside(2, 3), torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])]),
    # Targets are no inputs here: at the corners PyTorch's gradient of the target is infinite, which the
    # clamped loss's derivative is not.
    "binary_cross_entropy_corners": plain(
        lambda x: F.binary_cross_entropy(x, (x < 0.5).to(x.dtype)), [inside(3)], [inside()], [inside(2, 3)],
        special=[corners[:1]]),
    "binary_cross_entropy_weighted": plain(
        lambda x, t: F.binary_cross_entropy(x, t, weight[:3].to(x.dtype), reduction="none"),
        [inside(2, 3), inside(2, 3)], [inside(3), inside(3)], [inside(0, 3), inside(0, 3)]),
    "binary_cross_entropy_with_logits": plain(
        F.binary_cross_entropy_with_logits, [normal(3, 4), inside(3, 4)], [normal(), inside()],
        [normal(2, 1, 3), inside(2, 1, 3)], special=[scores]),
    "binary_cross_entropy_with_logits_weighted": plain(
        lambda x, t: F.binary_cross_entropy_with_logits(
            x, t, weight[:3].to(x.dtype), pos_weight=weight[1:].to(x.dtype), reduction="sum"),
        [normal(2, 3), inside(2, 3)], [normal(3), inside(3)], [normal(0, 3), inside(0, 3)]),
    "kl_div": plain(lambda x, t: F.kl_div(x, t, reduction="batchmean"), [normal(3, 4), probabilities(3, 4)],
                    [normal(5), probabilities(5, dim=0)], [normal(2, 3, 2), probabilities(2, 3, 2)]),
    "kl_div_none": plain(lambda x, t: F.kl_div(x, t, reduction="none"), [normal(3, 4), probabilities(3, 4)],
                         [normal(), positive()], [normal(0, 3), probabilities(0, 3)]),
    "kl_div_log_target": plain(lambda x, t: F.kl_div(x, t, reduction="sum", log_target=True),
                               [normal(3, 4), normal(3, 4)], [normal(), normal()], [normal(2, 3, 2), normal(2, 3, 2)]),
}
