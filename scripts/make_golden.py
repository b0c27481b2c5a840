#!/usr/bin/env python3
"""Makes tests/golden/ops.safetensors: inputs, results and gradients of each op, from PyTorch.

Needs torch, numpy and safetensors (pip install torch safetensors); the tests need none of them.
A case "softmax_0" of set 2 in float32 is kept as
  softmax_0/2/float32/x0, x1, ...   inputs
  softmax_0/2/float32/y             result
  softmax_0/2/float32/dy            the gradient put in, where the op is differentiable
  softmax_0/2/float32/dx0, ...      the gradients that come out
float32 results are computed in float64 from the float32 inputs, then rounded: they are the right
answer, not PyTorch's rounding errors. Sets of special values (NaN, infinities, ties) are named
special0, ... and computed in each dtype itself.
tests/op_cases.cpp has a row of the same name for each case here.
"""
import math
import pathlib

import torch
from safetensors.torch import save_file

F = torch.nn.functional
inf, nan = math.inf, math.nan
generator = torch.Generator().manual_seed(1)


def normal(*shape):
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def positive(*shape):
    return torch.rand(shape, generator=generator, dtype=torch.float64) * 2 + 0.25


def apart(*shape):
    """Distinct numbers at least 0.05 apart and away from 0, in random order: no ties, no kinks."""
    n = math.prod(shape)
    values = (torch.arange(n, dtype=torch.float64) - n // 2 + 0.5) * 0.05
    return values[torch.randperm(n, generator=generator)].reshape(shape)


def labels(n, classes):
    return torch.randint(0, classes, (n,), generator=generator)


SPECIAL = torch.tensor([0.0, -0.0, 1.0, -1.0, inf, -inf, nan, 1e-40, -1e-40, 88.0, -104.0, 3e38, 0.5])
GELU_SPECIAL = torch.tensor([0.0, -0.0, 1.0, -1.0, nan, 1e-40, -1e-40, 88.0, 104.0, 0.5])
UNARY_SETS = [[(5,)], [(3, 4)], [(2, 1, 19)], [()], [(0, 3)]]
BINARY_SETS = [[(3, 4), (3, 4)], [(3, 4), (4,)], [(2, 1, 5), (3, 1)], [(), (17,)], [(0, 3), (1, 3)]]


def unary(fn, make=normal, special=True):
    sets = [[make(*s) for s in shapes] for shapes in UNARY_SETS]
    return dict(fn=fn, sets=sets, special=[[SPECIAL]] if special else [])


def binary(fn, make_a=normal, make_b=normal, special=True):
    sets = [[make_a(*a), make_b(*b)] for a, b in BINARY_SETS]
    a = SPECIAL.repeat_interleave(len(SPECIAL))
    b = SPECIAL.repeat(len(SPECIAL))
    return dict(fn=fn, sets=sets, special=[[a, b]] if special else [])


def comparison(fn):
    case = binary(fn, make_a=lambda *s: normal(*s).round(), make_b=lambda *s: normal(*s).round())
    return case | dict(differentiable=False)


def plain(fn, *sets, special=(), differentiable=True):
    return dict(fn=fn, sets=[list(s) for s in sets], special=[list(s) for s in special],
                differentiable=differentiable)


ties = torch.tensor([[1.0, 3.0, 3.0, 2.0], [nan, 1.0, nan, 5.0], [-inf, -inf, -inf, -inf]])
rows = torch.tensor([[1.0, 2.0, 1000.0], [-inf, 0.0, 1.0], [nan, 0.0, 1.0], [-1e4, -1e4, -1e4]])

CASES = {
    "add": binary(lambda a, b: a + b),
    "sub": binary(lambda a, b: a - b),
    "mul": binary(lambda a, b: a * b),
    "div": binary(lambda a, b: a / b, make_b=positive),
    "pow": binary(lambda a, b: a ** b, make_a=positive, special=False),
    "pow_specials": plain(lambda a, b: a ** b, [positive(2), normal(2)], [positive(3), normal(3)],
                          [positive(1), normal(1)],
                          special=[[torch.tensor([0.0, 0.0, 2.0, 1.0, inf, -2.0]),
                                    torch.tensor([0.0, 2.0, 0.0, nan, 2.0, 3.0])]]),
    "add_scalar": unary(lambda x: x + 2.5),
    "rsub_scalar": unary(lambda x: 2.5 - x),
    "mul_scalar": unary(lambda x: x * -1.5),
    "div_scalar": unary(lambda x: x / 4.0),
    "rdiv_scalar": unary(lambda x: 3.0 / x, make=positive),
    "pow_2": unary(lambda x: x ** 2),
    "pow_3": unary(lambda x: x ** 3),
    "pow_half": unary(lambda x: x ** 0.5, make=positive, special=False),
    "pow_0": unary(lambda x: x ** 0),
    "rpow_scalar": unary(lambda x: 2.0 ** x, special=False),
    "neg": unary(lambda x: -x),
    "exp": unary(torch.exp),
    "log": unary(torch.log, make=positive),
    "sqrt": unary(torch.sqrt, make=positive),
    "tanh": unary(torch.tanh),
    "sigmoid": unary(torch.sigmoid),
    "relu": unary(torch.relu, make=apart),
    "where": plain(lambda a, b: torch.where(a > b, a * 2, b), [apart(3, 4), -apart(4) * 1.01],
                   [apart(2, 3), apart(2, 3) * 1.01], [apart(5), apart(1) * 1.01]),
    "eq": comparison(torch.eq),
    "ne": comparison(torch.ne),
    "lt": comparison(torch.lt),
    "le": comparison(torch.le),
    "gt": comparison(torch.gt),
    "ge": comparison(torch.ge),
    "logical_and": comparison(torch.logical_and),
    "matmul": plain(torch.matmul, [normal(3, 4), normal(4, 5)], [normal(17, 33), normal(33, 9)],
                    [normal(1, 1), normal(1, 1)], [normal(3, 0), normal(0, 2)],
                    [normal(0, 3), normal(3, 2)]),
    "matmul_vector": plain(torch.matmul, [normal(4), normal(4)], [normal(4), normal(4, 3)],
                           [normal(3, 4), normal(4)], [normal(2, 3, 4), normal(4)],
                           [normal(4), normal(2, 4, 3)]),
    "matmul_batch": plain(torch.matmul, [normal(2, 3, 4), normal(2, 4, 5)],
                          [normal(5, 1, 3, 4), normal(2, 4, 2)], [normal(2, 3, 4), normal(4, 5)],
                          [normal(3, 4), normal(2, 4, 5)], [normal(0, 3, 4), normal(0, 4, 2)]),
    "linear": plain(F.linear, [normal(3, 4), normal(5, 4), normal(5)],
                    [normal(2, 3, 7), normal(6, 7), normal(6)], [normal(4), normal(2, 4), normal(2)],
                    [normal(0, 4), normal(3, 4), normal(3)]),
    "linear_no_bias": plain(F.linear, [normal(3, 4), normal(5, 4)], [normal(9, 31), normal(17, 31)],
                            [normal(4), normal(2, 4)]),
    "linear_relu": plain(lambda x, w, b: torch.relu(F.linear(x, w, b)),
                         [normal(3, 4), normal(5, 4), normal(5)],
                         [normal(70, 9), normal(37, 9), normal(37)],
                         [normal(2, 3, 7), normal(6, 7), normal(6)],
                         [normal(0, 4), normal(3, 4), normal(3)]),
    "transpose": plain(lambda x: x.transpose(0, -1), [normal(3, 4)], [normal(2, 3, 4)], [normal(5)],
                       [normal(0, 2)]),
    "permute": plain(lambda x: x.permute(2, 0, -2), [normal(2, 3, 4)], [normal(1, 5, 2)],
                     [normal(3, 0, 2)]),
    "reshape": plain(lambda x: x.reshape(2, -1), [normal(4, 3)], [normal(2, 3, 4)], [normal(8)],
                     [normal(6, 1)]),
    "view": plain(lambda x: x.view(-1), [normal(4, 3)], [normal()], [normal(0, 3)], [normal(2, 2, 2)]),
    "flatten": plain(lambda x: x.flatten(1), [normal(4, 3)], [normal(2, 3, 4)], [normal(2, 0, 4)],
                     [normal(1, 2, 2, 2)]),
    "squeeze": plain(lambda x: x.squeeze(1), [normal(4, 1)], [normal(4, 3)], [normal(2, 1, 0)]),
    "unsqueeze": plain(lambda x: x.unsqueeze(-1), [normal(4)], [normal(4, 3)], [normal()],
                       [normal(0)]),
    "expand": plain(lambda x: x.expand(2, 3, 4), [normal(4)], [normal(3, 1)], [normal(2, 3, 4)],
                    [normal()]),
    "slice": plain(lambda x: x[1:5:2], [normal(6)], [normal(4, 3)], [normal(1, 2)], [normal(0, 2)]),
    "slice_negative": plain(lambda x: x[..., -3:-1], [normal(6)], [normal(4, 5)], [normal(2, 2)]),
    "contiguous": plain(lambda x: x.t().contiguous(), [normal(3, 4)], [normal(1, 5)], [normal(0, 2)]),
    "clone": plain(lambda x: x.clone(), [normal(3, 4)], [normal()], [normal(0, 2)]),
    "to_float64": plain(lambda x: x.to(torch.float64), [normal(3, 4)], [normal()], [normal(0, 2)]),
    "sum": plain(lambda x: x.sum(), [normal(3, 4)], [normal()], [normal(0, 3)], [normal(3, 700)],
                 special=[[ties]]),
    "sum_0": plain(lambda x: x.sum(0), [normal(3, 4)], [normal(5)], [normal(0, 3)], [normal(100, 17)],
                   [normal(2, 3, 4)]),
    "sum_1_keep": plain(lambda x: x.sum(1, keepdim=True), [normal(3, 4)], [normal(3, 0)],
                        [normal(2, 3, 4)], [normal(2, 40, 65)]),
    "sum_many": plain(lambda x: x.sum((0, -1)), [normal(3, 4, 5)], [normal(2, 3)], [normal(2, 3, 0)],
                      [normal(2, 3, 4, 5)]),
    "mean": plain(lambda x: x.mean(), [normal(3, 4)], [normal()], [normal(2, 1, 7)],
                  special=[[ties], [torch.zeros(0)]]),
    "mean_1": plain(lambda x: x.mean(1), [normal(3, 4)], [normal(2, 3, 4)], [normal(5, 1)],
                    [normal(0, 3)]),
    "max": plain(lambda x: x.max(), [apart(3, 4)], [apart(5)], [apart(2, 3, 2)],
                 special=[[torch.tensor([1.0, 3.0, 3.0])], [torch.tensor([inf, 1.0])]]),
    "max_0": plain(lambda x: x.max(0).values, [apart(3, 4)], [apart(5)], [apart(2, 3, 2)],
                   special=[[ties.t().contiguous()]]),
    "max_last_keep": plain(lambda x: x.max(-1, keepdim=True).values, [apart(3, 4)], [apart(5)],
                           [apart(2, 3, 2)], [apart(0, 3)], special=[[ties]]),
    "argmax": plain(lambda x: x.argmax(), [apart(3, 4)], [apart(5)], [apart(2, 3, 2)],
                    special=[[ties], [torch.tensor(2.0)]], differentiable=False),
    "argmax_0": plain(lambda x: x.argmax(0), [apart(3, 4)], [apart(5)], [apart(2, 3, 2)],
                      special=[[ties.t().contiguous()]], differentiable=False),
    "softmax_0": plain(lambda x: x.softmax(0), [normal(3, 4)], [normal(5)], [normal(2, 3, 4)],
                       [normal(0, 3)], special=[[rows.t().contiguous()]]),
    "softmax_last": plain(lambda x: x.softmax(-1), [normal(3, 4)], [normal(4, 100)], [normal()],
                          [normal(2, 0)], special=[[rows]]),
    "log_softmax_0": plain(lambda x: x.log_softmax(0), [normal(3, 4)], [normal(5)],
                           [normal(2, 3, 4)], [normal(0, 3)]),
    "log_softmax_last": plain(lambda x: x.log_softmax(-1), [normal(3, 4)], [normal(4, 100)],
                              [normal()], [normal(2, 0)], special=[[rows]]),
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
    "cumsum_0": plain(lambda x: x.cumsum(0), [normal(3, 4)], [normal(5)], [normal(2, 3, 4)],
                      [normal(0, 3)], [normal(70, 33)], special=[[ties.t().contiguous()]]),
    "cumsum_last": plain(lambda x: x.cumsum(-1), [normal(3, 4)], [normal(2, 100)], [normal()],
                         [normal(3, 0)], special=[[ties]]),
    "erf": unary(torch.erf),
    "sin": unary(torch.sin),
    "cos": unary(torch.cos),
    # PyTorch's gradients at infinity are NaN, and far below 0 its float32 result is a rounding error.
    "gelu": unary(F.gelu, special=False) | dict(special=[[GELU_SPECIAL]]),
    "gelu_tanh": unary(lambda x: F.gelu(x, approximate="tanh"), special=False)
    | dict(special=[[GELU_SPECIAL]]),
}


def run(fn, inputs, differentiable):
    inputs = [x.clone().requires_grad_() if differentiable and x.is_floating_point() else x.clone()
              for x in inputs]
    y = fn(*inputs)
    result = {f"x{i}": x.detach() for i, x in enumerate(inputs)} | {"y": y.detach()}
    if differentiable:
        dy = torch.randn(y.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        dy = dy.to(torch.float32).to(y.dtype)  # the same numbers in both dtypes
        y.backward(dy)
        result["dy"] = dy
        for i, x in enumerate(inputs):
            if x.requires_grad:
                result[f"dx{i}"] = torch.zeros_like(x) if x.grad is None else x.grad
    return result


def cast(values, dtype, result_dtype):
    def one(key, value):
        if not value.is_floating_point():
            return value
        return value.to(result_dtype if key in ("y", "dy") else dtype)
    return {key: one(key, value) for key, value in values.items()}


def typed(inputs, dtype):
    return [x.to(dtype) if x.is_floating_point() else x for x in inputs]


def main():
    tensors = {}
    for name, case in CASES.items():
        differentiable = case.get("differentiable", True)
        def keep(label, dtype, values):
            for key, value in values.items():
                tensors[f"{name}/{label}/{str(dtype)[6:]}/{key}"] = value.contiguous().clone()

        for number, inputs in enumerate(case["sets"]):
            inputs = typed(typed(inputs, torch.float32), torch.float64)  # exact in both dtypes
            exact = run(case["fn"], inputs, differentiable)
            for dtype in (torch.float32, torch.float64):
                result_dtype = case["fn"](*typed(inputs, dtype)).dtype
                keep(number, dtype, cast(exact, dtype, result_dtype))
        for number, inputs in enumerate(case["special"]):
            for dtype in (torch.float32, torch.float64):
                keep(f"special{number}", dtype, run(case["fn"], typed(inputs, dtype), differentiable))
    path = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "ops.safetensors"
    save_file(tensors, path, metadata={"made_by": f"scripts/make_golden.py, torch {torch.__version__}"})
    print(f"{path}: {len(CASES)} cases, {len(tensors)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
