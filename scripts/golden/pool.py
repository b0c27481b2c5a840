import torch

from .common import *

kinks = torch.tensor([[[1.0, 3.0, 3.0, 2.0], [3.0, 1.0, nan, 5.0], [-inf, -inf, 0.0, -0.0],
                       [-inf, -inf, nan, nan]]])


def pool(fn, spatial, *more, special=()):
    """Images with a batch, without one, none at all, and those given besides."""
    sizes = [(7,), (5, 6), (3, 4, 5)][spatial - 1]
    return plain(fn, [apart(2, 2, *sizes)], [apart(3, *sizes)], [apart(0, 2, *sizes)],
                 *[[apart(*shape)] for shape in more], special=[[x] for x in special])


CASES = {
    "max_pool1d": pool(lambda x: F.max_pool1d(x, 2), 1),
    "max_pool1d_options": pool(lambda x: F.max_pool1d(x, 3, 2, 1, 2, ceil_mode=True), 1, (2, 5)),
    "max_pool2d": pool(lambda x: F.max_pool2d(x, 2), 2, (1, 2, 2), special=[kinks]),
    "max_pool2d_options": pool(
        lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0), (1, 2), ceil_mode=True), 2,
        (1, 1, 2, 3), special=[kinks]),
    "max_pool2d_indices": pool(
        lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[1], 2,
        special=[kinks]) | dict(differentiable=False),
    "max_pool3d": pool(lambda x: F.max_pool3d(x, (2, 3, 2), 1, (1, 1, 0)), 3),
    "avg_pool1d": pool(lambda x: F.avg_pool1d(x, 3, 2, 1, ceil_mode=True), 1),
    "avg_pool2d": pool(lambda x: F.avg_pool2d(x, 2), 2, (1, 2, 3)),
    "avg_pool2d_ceil": pool(lambda x: F.avg_pool2d(x, (3, 2), 2, 1, ceil_mode=True), 2,
                            (1, 2, 3), special=[kinks]),
    "avg_pool2d_exclude_pad": pool(
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), 2),
    "avg_pool2d_divisor": pool(lambda x: F.avg_pool2d(x, 3, 1, 1, divisor_override=5), 2),
    "avg_pool3d": pool(lambda x: F.avg_pool3d(x, 2, (1, 2, 3), (1, 0, 1)), 3),
    "adaptive_avg_pool1d": pool(lambda x: F.adaptive_avg_pool1d(x, 3), 1, (2, 2)),
    "adaptive_avg_pool2d": pool(lambda x: F.adaptive_avg_pool2d(x, (3, 4)), 2, (1, 2, 7)),
    "adaptive_avg_pool2d_one": pool(lambda x: F.adaptive_avg_pool2d(x, 1), 2, (1, 1, 1)),
    "adaptive_avg_pool3d": pool(lambda x: F.adaptive_avg_pool3d(x, (2, 3, 2)), 3),
    "adaptive_max_pool1d": pool(lambda x: F.adaptive_max_pool1d(x, 3), 1, (2, 2)),
    "adaptive_max_pool2d": pool(lambda x: F.adaptive_max_pool2d(x, (3, 4)), 2, (1, 2, 7),
                                special=[kinks]),
    "adaptive_max_pool2d_indices": pool(
        lambda x: F.adaptive_max_pool2d(x, (2, 4), return_indices=True)[1], 2,
        special=[kinks]) | dict(differentiable=False),
    "adaptive_max_pool3d": pool(lambda x: F.adaptive_max_pool3d(x, (2, 3, 2)), 3),
}
