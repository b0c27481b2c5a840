#!/usr/bin/env python3
"""Makes tests/golden/ops/<family>.safetensors: inputs, results and gradients of each op, from PyTorch.

  scripts/make_golden.py             every family, a file of scripts/golden each
  scripts/make_golden.py loss shape  these families

Needs torch, numpy and safetensors (pip install torch safetensors); the tests need none of them.
A case "softmax_0" of set 2 is kept in float64 as
  softmax_0/2/x0, x1, ...   inputs, exact in float32 too
  softmax_0/2/y             result
  softmax_0/2/dy            the gradient put in, where the op is differentiable
  softmax_0/2/dx0, ...      the gradients that come out
  softmax_0/2/y_dtype       empty, of the dtype of the result of float32 inputs where not float32
The float32 results are these, rounded: they are the right answer, not PyTorch's rounding errors.
Sets of special values (NaN, infinities, ties) are computed in each dtype itself and named
softmax_0/special0/float32/x0, ...
tests/op_cases/<family>.cpp has a row of the same name for each case.
"""
import importlib
import pathlib
import sys

import torch
from safetensors.torch import save_file

from golden import common

ROOT = pathlib.Path(__file__).parent.parent


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


def typed(inputs, dtype):
    return [x.to(dtype) if x.is_floating_point() else x for x in inputs]


def results_of(case):
    """Yields (label, tensors) for each set of a case."""
    fn, differentiable = case["fn"], case.get("differentiable", True)
    for number, inputs in enumerate(case["sets"]):
        inputs = typed(typed(inputs, torch.float32), torch.float64)
        values = run(fn, inputs, differentiable)
        narrow = fn(*typed(inputs, torch.float32)).dtype
        if values["y"].is_floating_point() and narrow != torch.float32:
            values["y_dtype"] = torch.empty(0, dtype=narrow)
        yield str(number), values
    for number, inputs in enumerate(case["special"]):
        for dtype in (torch.float32, torch.float64):
            yield f"special{number}/{str(dtype)[6:]}", run(fn, typed(inputs, dtype), differentiable)


def make(family):
    common.generator.manual_seed(1)
    cases = importlib.import_module(f"golden.{family}").CASES
    tensors = {}
    for name, case in cases.items():
        for label, values in results_of(case):
            for key, value in values.items():
                tensors[f"{name}/{label}/{key}"] = value.contiguous().clone()
    path = ROOT / "tests" / "golden" / "ops" / f"{family}.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file(tensors, path, metadata={"made_by": f"scripts/make_golden.py, torch {torch.__version__}"})
    path.chmod(0o644)
    print(f"{family}: {len(cases)} cases, {len(tensors)} tensors, {path.stat().st_size} bytes")


def main():
    files = sorted((ROOT / "scripts" / "golden").glob("*.py"))
    for family in sys.argv[1:] or [f.stem for f in files if f.stem != "common"]:
        make(family)


if __name__ == "__main__":
    main()
