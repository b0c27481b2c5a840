import torch

from .common import *

attention = F.scaled_dot_product_attention


def qkv(batch, queries, keys, width, value_width, key_heads=None):
    other = batch if key_heads is None else batch[:-1] + (key_heads,)
    return [normal(*batch, queries, width), normal(*other, keys, width), normal(*other, keys, value_width)]


# The last query of the first sees nothing.
seen = torch.tensor([[True, False, True, True], [False, True, False, False], [False] * 4])
# The same for what goes by tiles.
many_seen = (torch.arange(12) * 7 + torch.arange(9)[:, None] * 5) % 3 != 0
many_seen[4] = False
hidden = torch.tensor([[0.0, -inf, 1.0, 0.5], [-inf, 0.25, -inf, -inf], [-inf] * 4])

CASES = {
    "attention": plain(attention, qkv((), 3, 4, 2, 5), qkv((2,), 3, 4, 3, 2), qkv((2, 2), 2, 3, 4, 2),
                       qkv((0, 2), 2, 3, 4, 2), qkv((1,), 1, 1, 1, 1), qkv((2,), 9, 12, 3, 5)),
    "attention_causal": plain(lambda q, k, v: attention(q, k, v, is_causal=True), qkv((), 3, 4, 2, 5),
                              qkv((2,), 4, 3, 3, 2), qkv((1, 2), 3, 3, 2, 2), qkv((2,), 9, 12, 3, 2),
                              qkv((), 12, 9, 2, 3)),
    "attention_bool_mask": plain(lambda q, k, v, m: attention(q, k, v, m), qkv((), 3, 4, 2, 2) + [seen],
                                 qkv((2, 2), 3, 4, 2, 3) + [seen],
                                 qkv((2,), 3, 4, 2, 3) + [torch.stack([seen, ~seen])],
                                 qkv((2,), 9, 12, 2, 3) + [many_seen]),
    "attention_float_mask": plain(lambda q, k, v, m: attention(q, k, v, m, scale=0.3),
                                  qkv((), 3, 4, 2, 2) + [normal(3, 4)],
                                  qkv((2, 2), 3, 4, 2, 3) + [normal(2, 1, 1, 4)],
                                  qkv((2,), 3, 4, 2, 3) + [normal(1, 4)],
                                  special=[qkv((2,), 3, 4, 2, 3) + [hidden]]),
    "attention_grouped": plain(lambda q, k, v: attention(q, k, v, enable_gqa=True),
                               qkv((4,), 2, 3, 2, 2, 2), qkv((2, 4), 2, 2, 2, 3, 1),
                               qkv((1, 2), 2, 3, 1, 2, 2), qkv((1, 4), 9, 12, 2, 3, 2)),
}
