import torch

from .common import *


def running(x, c):
    """Running statistics for x, that the case must not change from set to set."""
    return torch.linspace(-1, 1, c, dtype=x.dtype), torch.linspace(0.5, 2, c, dtype=x.dtype)


def batch(x, w=None, b=None, training=True):
    mean, var = running(x, x.shape[1])
    return F.batch_norm(x, mean, var, w, b, training, 0.3, 1e-3)


def block(x, w, b, residual=None, training=True):
    """A batch norm, the residual's sum and relu."""
    mean, var = running(x, x.shape[1])
    y = F.batch_norm(x, mean, var, w, b, training, eps=1e-3)
    return F.relu(y if residual is None else y + residual)


def instance(x, w=None, b=None, **options):
    mean, var = running(x, x.shape[1])
    return F.instance_norm(x, mean, var, w, b, **options)


def affine(fn, *shapes, dims):
    """Sets of x with weight and bias of the sizes of some of its dims."""
    return plain(fn, *[[normal(*s), normal(*dims(s)), normal(*dims(s))] for s in shapes])


def blocks(fn, *shapes):
    """Sets of x, weight, bias and residual."""
    return plain(fn, *[[normal(*s), normal(s[1]), normal(s[1]), normal(*s)] for s in shapes])


def folded(w, b, mean, var, bn_w, bn_b, eps=1e-3, transpose=False):
    """torch.nn.utils.fusion.fuse_conv_bn_weights, whose results are leaves, and its gradients' way."""
    rstd = torch.rsqrt(var + eps)
    shape = [1, -1] if transpose else [-1, 1]
    weight = w * (bn_w * rstd).reshape(shape + [1] * (w.dim() - 2))
    bias = (b - mean) * rstd * bn_w + bn_b
    right = torch.nn.utils.fusion.fuse_conv_bn_weights(w, b, mean, var, eps, bn_w, bn_b, transpose)
    assert torch.allclose(weight, right[0]) and torch.allclose(bias, right[1])
    return torch.cat([weight.flatten(), bias])


def folded_plain(w, mean, var):
    return folded(w, torch.zeros_like(mean), mean, var, torch.ones_like(mean), torch.zeros_like(mean),
                  1e-5, True)


def convs(*shapes):
    return [[normal(*s), normal(s[0]), normal(s[0]), positive(s[0]), normal(s[0]), normal(s[0])]
            for s in shapes]


def channels(shape):
    return (shape[1],)


def last(shape):
    return (shape[-1],)


def last_two(shape):
    return shape[-2:]


# A mean 10^4 times the deviation: one pass over float32 would leave no digit of the variance.
# (Large enough not to be differentiated numerically, which loses those digits.)
offset = torch.arange(240, dtype=torch.float64).reshape(2, 3, 40) % 7 / 4 + 8192

CASES = {
    "batch_norm": affine(batch, (4, 3), (3, 2, 5), (2, 3, 2, 3), (2, 1, 1, 2, 2), dims=channels),
    "batch_norm_plain": plain(batch, [normal(5, 3)], [normal(2, 3, 4)], [offset]),
    "batch_norm_eval": affine(lambda *x: batch(*x, training=False), (4, 3), (3, 2, 5), (2, 3, 2, 3),
                              dims=channels),
    "layer_norm": affine(lambda x, w, b: F.layer_norm(x, w.shape, w, b), (4, 5), (2, 3, 6), (7,),
                         (2, 19), dims=last),
    "layer_norm_two": affine(lambda x, w, b: F.layer_norm(x, w.shape, w, b, 1e-3), (4, 2, 3),
                             (2, 3, 1, 6), (3, 5), dims=last_two),
    "layer_norm_plain": plain(lambda x: F.layer_norm(x, x.shape[-1:]), [normal(4, 5)],
                              [normal(2, 3, 18)], [offset], [normal(3, 1)]),
    "rms_norm": plain(lambda x, w: F.rms_norm(x, w.shape, w, 1e-5), [normal(4, 5), normal(5)],
                      [normal(2, 3, 18), normal(18)], [normal(2, 3, 2), normal(3, 2)],
                      [normal(0, 3), normal(3)]),
    "rms_norm_plain": plain(lambda x: F.rms_norm(x, x.shape[-1:], eps=1e-6), [normal(4, 5)], [normal(7)],
                            [normal(2, 3, 18)]),
    "group_norm": affine(lambda x, w, b: F.group_norm(x, 2, w, b), (3, 8), (2, 4, 3), (2, 6, 2, 2),
                         dims=channels),
    "group_norm_plain": plain(lambda x: F.group_norm(x, 3, eps=1e-3), [normal(2, 3, 4)], [offset],
                              [normal(2, 6, 2, 2)]),
    "instance_norm": affine(lambda x, w, b: F.instance_norm(x, weight=w, bias=b), (3, 4, 5),
                            (2, 2, 3, 2), (1, 2, 2, 2, 2), dims=channels),
    "instance_norm_running": affine(lambda *x: instance(*x, use_input_stats=False), (3, 4, 5),
                                    (2, 2, 3, 2), (1, 2, 4), dims=channels),
    "fold_batch_norm": plain(folded, *convs((4, 3, 3, 2), (5, 3), (2, 1, 4), (3, 0, 2))),
    "fold_batch_norm_transposed": plain(folded_plain, *[[normal(*s), normal(s[1]), positive(s[1])]
                                                        for s in ((4, 3, 3, 2), (2, 5, 3))]),
    "batch_norm_relu": affine(block, (4, 3), (3, 2, 5), (2, 3, 2, 3), (2, 2, 7, 7), dims=channels),
    "batch_norm_relu_eval": affine(lambda *x: block(*x, training=False), (1, 3), (4, 3), (3, 2, 5),
                                   (2, 3, 2, 3), dims=channels),
    "batch_norm_residual": plain(lambda x, r: F.batch_norm(x, None, None, training=True) + r,
                                 [normal(5, 3), normal(5, 3)], [normal(2, 3, 4), normal(2, 3, 4)]),
    "batch_norm_residual_relu": blocks(block, (4, 3), (3, 2, 5), (2, 3, 2, 3), (2, 2, 7, 7)),
    "batch_norm_residual_relu_eval": blocks(lambda *x: block(*x, training=False), (1, 3), (4, 3),
                                            (3, 2, 5), (2, 3, 2, 3)),
}
