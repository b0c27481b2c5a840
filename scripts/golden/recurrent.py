import torch

from .common import *


def flat(*tensors):
    """The results of one call as one."""
    return torch.cat([x.flatten() for x in tensors])


def joined(result):
    y, *state = result
    return flat(y, *state)


def weights(gates, features, hidden, layers=1, directions=1, biases=True):
    made = []
    for layer in range(layers):
        width = features if layer == 0 else hidden * directions
        for _ in range(directions):
            made += [normal(gates * hidden, width) * 0.7, normal(gates * hidden, hidden) * 0.7]
            if biases:
                made += [normal(gates * hidden), normal(gates * hidden)]
    return made


def inputs(gates, steps, batch, features, hidden, layers=1, directions=1, biases=True, batch_first=False):
    """x, the states, the weights."""
    x = normal(batch, steps, features) if batch_first else normal(steps, batch, features)
    states = [normal(layers * directions, batch, hidden) for _ in range(2 if gates == 4 else 1)]
    return [x, *states, *weights(gates, features, hidden, layers, directions, biases)]


def over_steps(fn, gates, sizes, layers=1, directions=1, biases=True, batch_first=False):
    """Of inputs of such sizes (steps, batch, features, hidden)."""
    count = 2 if gates == 4 else 1

    def call(x, *rest):
        states, params = rest[:count], list(rest[count:])
        return joined(fn(x, states if count == 2 else states[0], params, biases, layers, 0.0, True, directions == 2,
                         batch_first))

    return plain(call, *[inputs(gates, *s, layers, directions, biases, batch_first) for s in sizes])


def cell(fn, gates, sizes):
    """Of inputs of such sizes (batch, features, hidden)."""
    if gates == 4:
        call = lambda x, h, c, *w: flat(*fn(x, (h, c), *w))
    else:
        call = lambda x, h, *w: fn(x, h, *w)
    count = 2 if gates == 4 else 1
    return plain(call, *[[normal(n, i), *[normal(n, h) for _ in range(count)], *weights(gates, i, h)]
                         for n, i, h in sizes])


SIZES = [(3, 2, 3, 2), (1, 1, 2, 1), (2, 3, 1, 4), (2, 0, 2, 3), (3, 18, 2, 9)]
FEW = [(3, 2, 2, 2), (1, 1, 1, 1), (2, 0, 2, 1)]
CELL_SIZES = [(2, 3, 2), (1, 2, 3), (0, 2, 3), (3, 2, 5)]
KINDS = {"lstm": (torch.lstm, torch.lstm_cell, 4), "gru": (torch.gru, torch.gru_cell, 3),
         "rnn_tanh": (torch.rnn_tanh, torch.rnn_tanh_cell, 1), "rnn_relu": (torch.rnn_relu, torch.rnn_relu_cell, 1)}

CASES = {}
for name, (fn, fn_cell, gates) in KINDS.items():
    CASES |= {
        name: over_steps(fn, gates, SIZES),
        f"{name}_without_biases": over_steps(fn, gates, FEW, biases=False),
        f"{name}_bidirectional": over_steps(fn, gates, FEW, directions=2),
        f"{name}_batch_first": over_steps(fn, gates, FEW, layers=2, batch_first=True),
        f"{name}_cell": cell(fn_cell, gates, CELL_SIZES),
    }
CASES["lstm_layers_bidirectional"] = over_steps(torch.lstm, 4, FEW, layers=2, directions=2)
