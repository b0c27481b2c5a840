import torch

from .common import *


def resize(shapes, **options):
    return plain(lambda x: F.interpolate(x, **options), *[[normal(*shape)] for shape in shapes])


CASES = {
    "interpolate_nearest": resize([(2, 2, 3), (1, 2, 3, 4), (1, 1, 2, 3, 2)], scale_factor=1.7),
    "interpolate_nearest_size": resize([(2, 2, 4, 5), (1, 1, 7, 3), (1, 1, 1, 1)], size=(3, 7)),
    "interpolate_nearest_exact": resize([(2, 2, 4, 5), (1, 1, 7, 3), (0, 2, 3, 3)], size=(3, 7),
                                        mode="nearest-exact"),
    "interpolate_linear": resize([(2, 2, 4), (1, 3, 9), (2, 1, 1)], size=7, mode="linear"),
    "interpolate_bilinear": resize([(2, 2, 3, 4), (1, 1, 6, 5), (1, 2, 1, 2)], size=(5, 7),
                                   mode="bilinear"),
    "interpolate_bilinear_scale": resize([(2, 2, 3, 4), (1, 1, 6, 5), (1, 2, 2, 3)],
                                         scale_factor=(1.5, 0.7), mode="bilinear"),
    "interpolate_bilinear_align": resize([(2, 2, 3, 4), (1, 1, 6, 5), (1, 2, 1, 2)], size=(5, 1),
                                         mode="bilinear", align_corners=True),
    "interpolate_bicubic": resize([(2, 2, 3, 4), (1, 1, 6, 5), (1, 2, 1, 2)], size=(5, 7),
                                  mode="bicubic"),
    "interpolate_bicubic_align": resize([(2, 2, 3, 4), (1, 1, 6, 5), (1, 2, 1, 2)], scale_factor=2,
                                        mode="bicubic", align_corners=True),
    "interpolate_trilinear": resize([(1, 2, 2, 3, 2), (1, 1, 3, 2, 4), (2, 1, 1, 1, 2)],
                                    scale_factor=(2, 1.5, 1), mode="trilinear"),
    "interpolate_area": resize([(2, 2, 4, 5), (1, 1, 7, 3), (1, 3, 2, 2)], size=(3, 2), mode="area"),
}
