import torch

from .common import *


def pair(fn, make=normal, make_target=normal, special=(), **options):
    """Sets of x and a target of its shape."""
    return plain(lambda x, t: fn(x, t, **options), [make(3, 4), make_target(3, 4)], [make(), make_target()],
                 [make(2, 3, 2), make_target(2, 3, 2)], [make(0, 2), make_target(0, 2)][:2], special=special)


def loss(fn, make=normal, make_target=normal, special=(), **options):
    """The same without a set that is empty, whose mean is NaN."""
    case = pair(fn, make, make_target, special, **options)
    return case | dict(sets=case["sets"][:3])


def near(*shape):
    """Targets for apart() numbers: differences on both sides of 0.5 and of 1, and none at them."""
    return normal(*shape).round() * 0.6 + 0.0125


def counts(*shape):
    """Whole numbers in all but name: at 1, Stirling's term has a jump."""
    return (normal(*shape).abs() * 3).round() + 0.25


specials = torch.tensor([0.0, -0.0, inf, -inf, nan, 1.0, 1.0, 2.0])
others = torch.tensor([0.0, 0.0, inf, inf, 1.0, nan, 1.0, 1.5])

CASES = {
    "mse_loss": plain(F.mse_loss, [normal(3, 4), normal(3, 4)], [normal(), normal()],
                      [normal(2, 3, 4), normal(2, 3, 4)]),
    "mse_loss_sum": plain(lambda x, t: F.mse_loss(x, t, reduction="sum"), [normal(3, 4), normal(3, 4)],
                          [normal(0, 2), normal(0, 2)], [normal(7), normal(7)]),
    "mse_loss_none": plain(lambda x, t: F.mse_loss(x, t, reduction="none"),
                           [normal(3, 4), normal(3, 4)], [normal(0, 2), normal(0, 2)], [normal(7), normal(7)]),
    "l1_loss": loss(F.l1_loss, apart, near),
    "l1_loss_none": pair(F.l1_loss, apart, near, [[specials, others]], reduction="none"),
    "smooth_l1_loss": loss(F.smooth_l1_loss, apart, near),
    "smooth_l1_loss_beta": pair(F.smooth_l1_loss, apart, near, [[specials, others]], reduction="none", beta=0.5),
    "huber_loss": loss(F.huber_loss, apart, near),
    "huber_loss_delta": pair(F.huber_loss, apart, near, [[specials, others]], reduction="none", delta=0.5),
    "gaussian_nll_loss": plain(lambda x, t, v: F.gaussian_nll_loss(x, t, v),
                               [normal(3, 4), normal(3, 4), positive(3, 4)],
                               [normal(3, 4), normal(3, 4), positive(3, 1)],
                               [normal(3, 4), normal(3, 4), positive(3)],
                               special=[[normal(2, 3), normal(2, 3),
                                         torch.tensor([[1.0, 0.0, 1e-7], [2.0, 1e-6, 0.5]])]]),
    "gaussian_nll_loss_full": plain(
        lambda x, t, v: F.gaussian_nll_loss(x, t, v, full=True, eps=1e-3, reduction="none"),
        [normal(3, 4), normal(3, 4), positive(3, 4)], [normal(5), normal(5), positive(5)],
        [normal(2, 2, 2), normal(2, 2, 2), positive(2, 2, 1)]),
    "poisson_nll_loss": loss(F.poisson_nll_loss, normal, counts),
    "poisson_nll_loss_full": pair(F.poisson_nll_loss, positive, counts, log_input=False, full=True,
                                  reduction="sum"),
}
