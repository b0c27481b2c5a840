import torch

from .common import *


def signs(*shape):
    return torch.where(normal(*shape) > 0, 1.0, -1.0).to(torch.float64)


def signed(fn, makes, *shapes, target=None, **options):
    """Cases whose last operand is a target of signs, which is no input: it has no gradient."""
    targets = [signs(*(target(s) if target else s)) for s in shapes]
    return plain(lambda *x: fn(*x[:-1], x[-1].to(x[0].dtype), **options),
                 *[[make(*s) for make in makes] + [t.to(torch.int64)] for s, t in zip(shapes, targets)])


def off(*shape):
    """apart() spread so that some differences lie beyond a margin, and none at one."""
    return apart(*shape) * 4.052 + 0.0071


weight = torch.tensor([0.5, 2.0, 1.25, 0.75], dtype=torch.float64)

CASES = {
    "margin_ranking_loss": signed(F.margin_ranking_loss, [apart, off], (3, 4), (), (2, 1, 3), margin=0.25),
    "margin_ranking_loss_none": signed(F.margin_ranking_loss, [apart, off], (3, 4), (5,), (0, 2),
                                       reduction="none"),
    "cosine_embedding_loss": signed(F.cosine_embedding_loss, [normal, normal], (4, 3), (5,), (2, 2),
                                    target=lambda s: s[:-1], margin=-0.3),
    "cosine_embedding_loss_none": signed(F.cosine_embedding_loss, [normal, normal], (4, 3), (5,), (0, 2),
                                         target=lambda s: s[:-1], reduction="none"),
    "hinge_embedding_loss": signed(F.hinge_embedding_loss, [off], (3, 4), (), (2, 1, 3)),
    "hinge_embedding_loss_broadcast": plain(
        lambda x, t: F.hinge_embedding_loss(x, t.to(x.dtype), reduction="none"), [off(3, 4), torch.tensor([1, -1, -1, 1])],
        [off(4), torch.tensor(-1)], [off(3), torch.tensor([[1], [-1]])]),
    "hinge_embedding_loss_sum": signed(F.hinge_embedding_loss, [off], (3, 4), (5,), (0, 2), margin=0.3,
                                       reduction="sum"),
    "triplet_margin_loss": plain(F.triplet_margin_loss, [normal(4, 3), normal(4, 3), normal(4, 3)],
                                 [normal(3), normal(3), normal(3)], [normal(2, 2, 3), normal(2, 2, 3), normal(2, 2, 3)]),
    "triplet_margin_loss_swap": plain(
        lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=0.5, p=1.5, swap=True, reduction="none"),
        [normal(4, 3), normal(4, 3), normal(4, 3)], [normal(3), normal(3), normal(3)],
        [normal(2, 2, 3), normal(2, 2, 3), normal(2, 2, 3)]),
    "soft_margin_loss": signed(F.soft_margin_loss, [normal], (3, 4), (), (2, 1, 3)),
    "multi_margin_loss": plain(F.multi_margin_loss, [off(3, 4), labels(3, 4)], [off(5), torch.tensor(2)],
                               [off(2, 1), labels(2, 1)]),
    "multi_margin_loss_squared": plain(
        lambda x, t: F.multi_margin_loss(x, t, p=2, margin=0.6, weight=weight.to(x.dtype), reduction="none"),
        [off(3, 4), labels(3, 4)], [off(4), torch.tensor(2)], [off(1, 4), labels(1, 4)]),
    "multilabel_margin_loss": plain(
        F.multilabel_margin_loss, [off(3, 4), torch.tensor([[3, 0, -1, 1], [-1, 0, 1, 2], [1, 2, 3, 0]])],
        [off(4), torch.tensor([2, -1, -1, 0])], [off(1, 2), torch.tensor([[1, -1]])]),
    "multilabel_soft_margin_loss": signed(lambda x, t: F.multilabel_soft_margin_loss(x, (t + 1) / 2), [normal],
                                          (3, 4), (5,), (2, 1, 3)),
    "multilabel_soft_margin_loss_weighted": signed(
        lambda x, t: F.multilabel_soft_margin_loss(x, (t + 1) / 2, weight.to(x.dtype), reduction="none"),
        [normal], (3, 4), (4,), (2, 2, 4)),
}
