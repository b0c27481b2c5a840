import torch

from .common import *

NANS = torch.tensor([1.0, nan, 3.0, nan])


def whole(fn):
    return plain(fn, [apart(3, 4)], [apart(5)], [apart(2, 3, 2)], [apart()],
                 special=[[torch.tensor([1.0, 3.0, 3.0])], [torch.tensor([inf, 1.0])],
                          [torch.tensor([2.0, 1.0, 1.0, 2.0])], [NANS], [torch.full((2,), -inf)]])


def first(fn):
    return plain(fn, [apart(3, 4)], [apart(5)], [apart(2, 3, 2)], special=[[ties.t().contiguous()]])


def last(fn):
    return plain(fn, [apart(3, 4)], [apart(5)], [apart(2, 3, 2)], [apart(0, 3)], special=[[ties]])


def places(fn, special):
    return plain(fn, [apart(3, 4)], [apart(5)], [apart(2, 3, 2)], special=special, differentiable=False)


def over(fn):
    return plain(fn, [apart(3, 4, 2)], [apart(2, 3)], [apart(2, 3, 1, 3)], [apart(4, 2)],
                 special=[[ties], [ties.t().contiguous()]])


# One NaN a line, and no equal numbers: which of several equal ones torch names is not said.
MEDIANS = torch.tensor([[1.0, 3.0, inf, 2.0], [nan, 1.0, -2.0, 5.0], [-inf, -1.0, 0.5, 7.0]])

CASES = {
    "max": whole(lambda x: x.max()),
    "min": whole(lambda x: x.min()),
    "median": whole(lambda x: x.median()),
    "median_of_nothing": plain(lambda x: x.median(), [apart(3)], [apart(2, 2)], [apart()],
                               special=[[apart(0)], [apart(0, 3)]]),
    "max_0": first(lambda x: x.max(0).values),
    "min_0": first(lambda x: x.min(0).values),
    "max_last_keep": last(lambda x: x.max(-1, keepdim=True).values),
    "min_last_keep": last(lambda x: x.min(-1, keepdim=True).values),
    "median_0": plain(lambda x: x.median(0).values, [apart(3, 4)], [apart(5)], [apart(2, 3, 2)],
                      special=[[MEDIANS], [MEDIANS.t().contiguous()]]),
    "median_last_keep": plain(lambda x: x.median(-1, keepdim=True).values, [apart(3, 4)], [apart(5)],
                              [apart(2, 3, 2)], [apart(0, 3)], special=[[MEDIANS]]),
    "median_places": places(lambda x: x.median(-1).indices, [[MEDIANS]]),
    "amax": whole(lambda x: x.amax()) | dict(special=[[torch.tensor([1.0, 3.0, 3.0])], [NANS]]),
    "amin": whole(lambda x: x.amin()) | dict(special=[[torch.tensor([1.0, 1.0, 3.0])], [NANS]]),
    "amax_many": over(lambda x: x.amax((0, -1))),
    "amin_many": over(lambda x: x.amin((0, -1))),
    "amax_1_keep": over(lambda x: x.amax(1, keepdim=True)),
    "amin_1_keep": over(lambda x: x.amin(1, keepdim=True)),
    "argmax": places(lambda x: x.argmax(), [[ties], [torch.tensor(2.0)]]),
    "argmax_0": places(lambda x: x.argmax(0), [[ties.t().contiguous()]]),
    "argmax_last_keep": places(lambda x: x.argmax(-1, keepdim=True), [[ties]]),
    "argmin": places(lambda x: x.argmin(), [[ties], [torch.tensor(2.0)]]),
    "argmin_0": places(lambda x: x.argmin(0), [[ties.t().contiguous()]]),
    "argmin_last_keep": places(lambda x: x.argmin(-1, keepdim=True), [[ties]]),
}
