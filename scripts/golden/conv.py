import torch

from .common import *


def conv(fn, *sets, **options):
    """Sets of shapes: x, weight and, perhaps, bias."""
    return plain(lambda *x: fn(*x, **options), *[[normal(*shape) for shape in s] for s in sets])


CASES = {
    "conv1d": conv(F.conv1d, [(2, 3, 8), (4, 3, 3), (4,)], [(3, 5), (2, 3, 2), (2,)],
                   [(1, 1, 4), (1, 1, 4), (1,)]),
    "conv1d_options": conv(F.conv1d, [(2, 4, 9), (6, 2, 3)], [(4, 7), (2, 2, 2)],
                           [(1, 2, 12), (2, 1, 3)], [(0, 4, 7), (2, 2, 2)], stride=2, padding=1, dilation=2, groups=2),
    "conv2d": conv(F.conv2d, [(2, 3, 5, 6), (4, 3, 3, 2), (4,)], [(2, 5, 4), (3, 2, 2, 3), (3,)],
                   [(1, 1, 3, 3), (1, 1, 3, 3), (1,)]),
    "conv2d_options": conv(F.conv2d, [(2, 4, 6, 7), (6, 2, 3, 2), (6,)],
                           [(4, 5, 5), (2, 2, 2, 2), (2,)], [(1, 2, 9, 8), (2, 1, 3, 3), (2,)],
                           stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
    "conv2d_same": conv(F.conv2d, [(2, 3, 4, 5), (2, 3, 4, 2), (2,)],
                        [(2, 5, 4), (3, 2, 3, 5), (3,)], [(1, 1, 2, 3), (1, 1, 2, 2), (1,)],
                        padding="same", dilation=(1, 2)),
    "conv2d_relu": conv(lambda *x, **options: torch.relu(F.conv2d(*x, **options)),
                        [(2, 3, 4, 5), (2, 3, 3, 3), (2,)], [(2, 5, 4), (3, 2, 1, 1), (3,)],
                        [(1, 2, 2, 3), (2, 2, 2, 2), (2,)], padding=1),
    "conv2d_depthwise_relu": conv(lambda *x, **options: torch.relu(F.conv2d(*x, **options)),
                                  [(2, 3, 5, 6), (3, 1, 3, 2), (3,)],
                                  [(3, 4, 4), (6, 1, 2, 2), (6,)],
                                  [(1, 3, 3, 21), (3, 1, 1, 3), (3,)], padding=1, groups=3),
    "conv2d_one_by_one": conv(F.conv2d, [(2, 3, 4, 5), (4, 3, 1, 1), (4,)],
                              [(5, 3, 2), (2, 5, 1, 1), (2,)], [(3, 1, 1, 1), (1, 1, 1, 1), (1,)]),
    "conv2d_one_by_one_strided": conv(F.conv2d, [(2, 3, 4, 5), (4, 3, 1, 1)],
                                      [(5, 3, 2), (2, 5, 1, 1)], [(3, 1, 1, 1), (1, 1, 1, 1)],
                                      [(0, 3, 2, 2), (2, 3, 1, 1)], stride=2),
    "conv2d_depthwise": conv(F.conv2d, [(2, 3, 5, 6), (3, 1, 3, 2), (3,)],
                             [(3, 4, 4), (6, 1, 2, 2), (6,)], [(1, 3, 3, 21), (3, 1, 1, 3), (3,)],
                             padding=1, groups=3),
    "conv2d_depthwise_strided": conv(F.conv2d, [(2, 3, 5, 6), (3, 1, 3, 2), (3,)],
                                     [(3, 4, 4), (6, 1, 2, 2), (6,)],
                                     [(1, 3, 3, 7), (3, 1, 2, 3), (3,)], stride=2, padding=1,
                                     dilation=2, groups=3),
    "conv3d": conv(F.conv3d, [(2, 2, 3, 4, 3), (2, 2, 2, 3, 2), (2,)],
                   [(1, 3, 3, 3), (2, 1, 2, 2, 2), (2,)],
                   [(1, 2, 2, 2, 4), (1, 2, 1, 2, 1), (1,)]),
    "conv3d_options": conv(F.conv3d, [(1, 2, 4, 5, 3), (2, 1, 2, 3, 2)],
                           [(2, 4, 3, 3), (4, 1, 2, 2, 2)], [(2, 2, 3, 3, 3), (2, 1, 2, 2, 1)],
                           stride=(2, 1, 2), padding=(1, 2, 0), dilation=(1, 2, 1), groups=2),
    "conv_transpose1d": conv(F.conv_transpose1d, [(2, 3, 4), (3, 2, 3), (2,)],
                             [(2, 5), (2, 3, 2), (3,)], [(1, 1, 1), (1, 1, 4), (1,)],
                             stride=2, padding=1, output_padding=1),
    "conv_transpose2d": conv(F.conv_transpose2d, [(2, 3, 3, 4), (3, 2, 2, 3), (2,)],
                             [(2, 2, 4), (2, 3, 3, 2), (3,)], [(1, 1, 1, 1), (1, 1, 2, 2), (1,)]),
    "conv_transpose2d_options": conv(F.conv_transpose2d, [(2, 4, 3, 4), (4, 1, 3, 2), (2,)],
                                     [(2, 2, 4), (2, 3, 2, 2), (6,)],
                                     [(1, 2, 3, 3), (2, 1, 3, 3), (2,)], stride=(2, 1),
                                     padding=(1, 0), output_padding=(1, 2), groups=2,
                                     dilation=(1, 3)),
    "conv_transpose3d": conv(F.conv_transpose3d, [(1, 2, 2, 2, 3), (2, 2, 2, 1, 2)],
                             [(2, 2, 2, 2), (2, 1, 2, 2, 2)], [(2, 1, 2, 1, 1), (1, 2, 2, 2, 1)],
                             [(0, 1, 2, 1, 1), (1, 2, 2, 2, 1)],
                             stride=(2, 1, 2), padding=(1, 0, 0)),
}
