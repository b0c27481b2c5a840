import torch

from .common import *


def regular(*shape):
    """Far from singular, with rows that have to be swapped."""
    n = shape[-1]
    return normal(*shape) * 0.5 + torch.eye(n, dtype=torch.float64).flip(-1) * 2


def triangular(*shape):
    return normal(*shape) * 0.3 + torch.eye(shape[-1], dtype=torch.float64) * 2


def definite(x):
    return x @ x.mT + torch.eye(x.shape[-1], dtype=x.dtype)


def triangle_case(**options):
    left = options.get("left", True)
    b = (lambda *s: normal(*s)) if left else (lambda *s: normal(*s).mT.contiguous())
    return plain(lambda a, b: torch.linalg.solve_triangular(a, b, **options),
                 [triangular(3, 3), b(3, 2)], [triangular(2, 4, 4), b(2, 4, 1)],
                 [triangular(2, 1, 2, 2), b(3, 2, 2)], [triangular(3, 3), b(2, 3, 1)],
                 [triangular(2, 2), b(2, 0)], [triangular(0, 2, 2), b(0, 2, 1)])


square = [[regular(3, 3)], [regular(2, 4, 4)], [regular(1, 1)], [regular(2, 1, 2, 2)],
          [regular(0, 3, 3)], [normal(0, 0)]]
singular = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [0.0, 0.0, 0.0]])

CASES = {
    "cholesky": plain(lambda x: torch.linalg.cholesky(definite(x)), [normal(3, 3)], [normal(2, 4, 4)],
                      [normal(1, 1)], [normal(0, 2, 2)]),
    "cholesky_upper": plain(lambda x: torch.linalg.cholesky(definite(x), upper=True), [normal(3, 3)],
                            [normal(2, 2, 2)], [normal(1, 1)]),
    "solve_lower": triangle_case(upper=False),
    "solve_upper": triangle_case(upper=True),
    "solve_lower_right": triangle_case(upper=False, left=False),
    "solve_upper_right_unit": triangle_case(upper=True, left=False, unitriangular=True),
    "solve_lower_unit": triangle_case(upper=False, unitriangular=True),
    "solve": plain(torch.linalg.solve, [regular(3, 3), normal(3, 2)], [regular(2, 4, 4), normal(2, 4, 1)],
                   [regular(2, 1, 2, 2), normal(3, 2, 2)], [regular(3, 3), normal(2, 3, 1)]),
    "solve_vector": plain(torch.linalg.solve, [regular(3, 3), normal(3)], [regular(2, 4, 4), normal(2, 4)],
                          [regular(2, 2, 2), normal(2)]),
    "inverse": plain(torch.linalg.inv, *square),
    "det": plain(torch.linalg.det, *square),
    "logabsdet": plain(lambda x: torch.linalg.slogdet(x).logabsdet, *square),
    "slogdet_sign": plain(lambda x: torch.linalg.slogdet(x).sign, *square,
                          special=[[singular], [torch.stack([singular, torch.eye(3)])]],
                          differentiable=False),
}
