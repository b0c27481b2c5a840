#!/usr/bin/env python3
"""Golden values of optimizers and of whole training runs, made by PyTorch.

  python3 scripts/make_golden_training.py      writes tests/golden/training.safetensors

Needs torch and safetensors. The output is committed: building and testing need no Python.
Names in the file, where <t> is f32 or f64:
  opt.<t>.start.<i>          parameter i before the first step
  opt.<t>.grads.<i>          its gradients, [kSteps, ...]
  opt.has_grad               bool [kSteps]: whether the last parameter has a gradient in a step
  opt.<t>.<config>.<i>       the parameter after steps 1, 2 and kSteps, [3, ...]
  mlp.x, mlp.y               float64 [5, 12, 20] and int64 [5, 12]: a batch for each step
  mlp.start.<k>              float64 weights and biases of the MLP 20-16-8-5, in order
  mlp.<t>.<optimizer>.losses float [5]
  mlp.<t>.<optimizer>.end.<k>
"""

import pathlib

import torch
from safetensors.torch import save_file

STEPS = 12
SHAPES = [(5,), (3, 7), (), (0, 4), (37,), (3,)]  # the last one misses some gradients
HAS_GRAD = [step not in (0, 4, 5) for step in range(STEPS)]
DTYPES = {"f32": torch.float32, "f64": torch.float64}

SGD, Adam = torch.optim.SGD, torch.optim.Adam
CONFIGS = {
    "sgd_plain": (SGD, dict(lr=0.1)),
    "sgd_decay": (SGD, dict(lr=0.05, weight_decay=0.1)),
    "sgd_momentum": (SGD, dict(lr=0.05, momentum=0.9)),
    "sgd_dampening": (SGD, dict(lr=0.05, momentum=0.9, dampening=0.5)),
    "sgd_nesterov": (SGD, dict(lr=0.05, momentum=0.8, nesterov=True)),
    "sgd_all": (SGD, dict(lr=0.05, momentum=0.7, dampening=0.3, weight_decay=0.2)),
    "sgd_nesterov_decay": (SGD, dict(lr=0.05, momentum=0.7, nesterov=True, weight_decay=0.2)),
    "sgd_lr_change": (SGD, dict(lr=0.05, momentum=0.9)),  # lr 0.01 from step 7 on
    "adam_default": (Adam, dict()),
    "adam_lr": (Adam, dict(lr=0.1)),
    "adam_betas": (Adam, dict(lr=0.01, betas=(0.8, 0.95))),
    "adam_no_memory": (Adam, dict(lr=0.01, betas=(0.0, 0.5))),
    "adam_eps": (Adam, dict(lr=0.01, eps=1e-2)),
    "adam_decay": (Adam, dict(lr=0.01, weight_decay=0.1)),
    "adam_lr_change": (Adam, dict(lr=0.05)),  # lr 0.01 from step 7 on
}


def optimizers(out):
    start = [torch.randn(s, dtype=torch.float64) for s in SHAPES]
    grads = [torch.randn((STEPS, *s), dtype=torch.float64) for s in SHAPES]
    grads[1] *= 1e-3
    grads[4] *= 3
    grads[0][:, 2] = 0
    out["opt.has_grad"] = torch.tensor(HAS_GRAD)
    for t, dtype in DTYPES.items():
        for i in range(len(SHAPES)):
            out[f"opt.{t}.start.{i}"] = start[i].to(dtype)
            out[f"opt.{t}.grads.{i}"] = grads[i].to(dtype)
        for name, (kind, options) in CONFIGS.items():
            params = [p.to(dtype).clone().requires_grad_() for p in start]
            optimizer = kind(params, **options)
            kept = [[] for _ in params]
            for step in range(STEPS):
                if name.endswith("lr_change") and step == 6:
                    optimizer.param_groups[0]["lr"] = 0.01
                for i, p in enumerate(params):
                    p.grad = grads[i][step].to(dtype).clone()
                if not HAS_GRAD[step]:
                    params[-1].grad = None
                optimizer.step()
                if step in (0, 1, STEPS - 1):
                    for p, k in zip(params, kept):
                        k.append(p.detach().clone())
            for i, k in enumerate(kept):
                out[f"opt.{t}.{name}.{i}"] = torch.stack(k)


def mlp(out):
    sizes = [20, 16, 8, 5]
    start = []
    for a, b in zip(sizes, sizes[1:]):
        start.append(torch.randn(b, a, dtype=torch.float64) / a**0.5)
        start.append(torch.randn(b, dtype=torch.float64) / 10)
    x = torch.randn(5, 12, 20, dtype=torch.float64)
    y = torch.randint(0, 5, (5, 12))
    out["mlp.x"], out["mlp.y"] = x, y
    for k, p in enumerate(start):
        out[f"mlp.start.{k}"] = p
    for t, dtype in DTYPES.items():
        for name in ("adam", "sgd"):
            p = [v.to(dtype).clone().requires_grad_() for v in start]
            optimizer = Adam(p, lr=0.01) if name == "adam" else SGD(p, lr=0.1, momentum=0.9)
            losses = []
            for step in range(5):
                optimizer.zero_grad()
                h = x[step].to(dtype)
                for k in (0, 2, 4):
                    h = torch.nn.functional.linear(h, p[k], p[k + 1])
                    h = h if k == 4 else torch.relu(h)
                loss = torch.nn.functional.cross_entropy(h, y[step])
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
            out[f"mlp.{t}.{name}.losses"] = torch.stack(losses)
            for k, v in enumerate(p):
                out[f"mlp.{t}.{name}.end.{k}"] = v.detach()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    out = {}
    optimizers(out)
    mlp(out)
    path = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "training.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file({k: v.contiguous() for k, v in out.items()}, path)
    path.chmod(0o644)
    print(f"{path}: {len(out)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
