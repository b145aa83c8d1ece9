"""Attention, positions, masks."""


import torch
import torch.nn.functional as F

from .formula import formula


def split_inputs(c, inputs):
    count = len(inputs) - c["masks"]
    query = inputs[0]
    key = inputs[1] if count > 1 else query
    return query, key, inputs[2] if count > 2 else key, inputs[count:]


def wide(mask):
    return {2: lambda: mask[:, None, None], 3: lambda: mask[:, None]}.get(mask.dim(), lambda: mask)()


def weights_of(c, scores, masks):
    """Softmax of scores [N, H, Tq, Tk]; queries that may attend to nothing get 0."""
    allowed = torch.ones_like(scores, dtype=torch.bool)
    for mask in map(wide, masks):
        if mask.dtype == torch.bool:
            allowed = allowed & mask
        else:
            scores = scores + mask
    if c["causal"]:
        allowed = allowed.tril()
    weights = F.softmax(torch.where(allowed, scores, -1e30), 3)
    return torch.where(allowed, weights, 0)


def attend(c, query, key, value, masks, scale):
    """Of [N, H, T, C], and the weights."""
    if not masks and not c["return_weights"] and isinstance(scale, float):
        grouped = {"enable_gqa": True} if key.shape[1] != query.shape[1] else {}
        return F.scaled_dot_product_attention(query, key, value, is_causal=c["causal"], scale=scale, **grouped), None
    share = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(share, 1), value.repeat_interleave(share, 1)
    weights = weights_of(c, scale * query @ key.mT, masks)
    return weights @ value, weights


def outputs(c, y, weights):
    return (y, weights) if c["return_weights"] else y


@formula("attention", against="F.scaled_dot_product_attention; weights and masks by F.softmax")
def attention(c, w, *inputs):
    *sequences, masks = split_inputs(c, inputs)
    heads = sequences[0].dim() == 4
    query, key, value = sequences if heads else (x.unsqueeze(1) for x in sequences)
    scale = w.get("scale") if c["scale"] == "learned" else float(c["scale"] or query.shape[-1] ** -0.5)
    y, weights = attend(c, query, key, value, masks, scale)
    if heads:
        return outputs(c, y, weights)
    return outputs(c, y.squeeze(1), None if weights is None else weights.squeeze(1))


@formula("additive_attention", against="Σ scale · torch.tanh(q + k), F.softmax (Keras)")
def additive_attention(c, w, *inputs):
    query, key, value, masks = split_inputs(c, inputs)
    scores = torch.tanh(query.unsqueeze(2) + key.unsqueeze(1))
    scores = (scores * w["scale"] if c["learned_scale"] else scores).sum(3)
    weights = weights_of(c, scores.unsqueeze(1), masks).squeeze(1)
    return outputs(c, weights @ value, weights)


def by_module(c, w, query, key, value):
    """With the weights as the function wants them."""
    heads = c["heads"]
    y, _ = F.multi_head_attention_forward(
        *(x.transpose(0, 1) for x in (query, key, value)), query.shape[2], heads,
        torch.cat([w["query"], w["key"], w["value"]]), torch.cat([w["query_bias"], w["key_bias"], w["value_bias"]]),
        None, None, False, 0.0, w["output"], w["output_bias"], need_weights=False,
        attn_mask=torch.ones(query.shape[1], key.shape[1], dtype=torch.bool).triu(1) if c["causal"] else None,
    )  # fmt: skip
    return y.transpose(0, 1)


@formula("multi_head_attention", against="F.multi_head_attention_forward; other options by F.linear, F.softmax")
def multi_head_attention(c, w, *inputs):
    query, key, value, masks = split_inputs(c, inputs)
    unusual = masks or c["return_weights"] or c["rotary"] or c["key_value_heads"] or not c["output_projection"] or not c["bias"]
    if not unusual and query.shape[2] == key.shape[2] == value.shape[2] == c["heads"] * (c["key_units"] or query.shape[2] // c["heads"]):
        return by_module(c, w, query, key, value)
    groups = c["key_value_heads"] or c["heads"]

    def projected(x, name, heads):
        return F.linear(x, w[name], w.get(f"{name}_bias")).unflatten(2, (heads, -1)).transpose(1, 2)

    q, k, v = projected(query, "query", c["heads"]), projected(key, "key", groups), projected(value, "value", groups)
    if c["rotary"]:
        options = {"base": 10000, "fraction": 1, "pairs": "halves", **(c["rotary"] if isinstance(c["rotary"], dict) else {})}
        q, k = (turned(x, 2, **options) for x in (q, k))
    y, weights = attend(c, q, k, v, masks, q.shape[-1] ** -0.5)
    y = y.transpose(1, 2).flatten(2)
    return outputs(c, F.linear(y, w["output"], w.get("output_bias")) if c["output_projection"] else y, weights)


def turned(x, axis, base, fraction, pairs):
    """Pairs of the first features as complex numbers, turned."""
    count = 2 * int(x.shape[-1] * fraction / 2 + 1e-9)
    turning, rest = x[..., :count], x[..., count:]
    shape = (2, -1) if pairs == "halves" else (-1, 2)
    both = turning.unflatten(-1, shape)
    both = both.transpose(-1, -2) if pairs == "halves" else both
    places = torch.arange(x.shape[axis]).double().reshape(-1, *[1] * (x.dim() - 1 - axis % x.dim()))
    angles = places * base ** (-2 * torch.arange(count // 2).double() / count)
    spun = torch.view_as_real(torch.view_as_complex(both.contiguous()) * torch.polar(torch.ones_like(angles), angles))
    spun = (spun.transpose(-1, -2) if pairs == "halves" else spun).flatten(-2)
    return torch.cat([spun, rest], -1)


@formula("rotary_positions", against="torch.view_as_complex times torch.polar")
def rotary_positions(c, _, x):
    return turned(x, c["axis"], c["base"], c["fraction"], c["pairs"])


@formula("sinusoidal_positions", against="torch.sin, torch.cos of positions")
def sinusoidal_positions(c, _, x):
    _, steps, features = x.shape
    places = torch.arange(steps).double().unsqueeze(1)
    angles = places / c["base"] ** (2 * torch.arange((features + 1) // 2).double() / features)
    if c["order"] == "halves":
        table = torch.cat([angles.sin(), angles.cos()], 1)[:, :features]
    else:
        table = torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :features]
    return x + table if c["add"] else table.unsqueeze(0)


@formula("learned_positions", against="torch.add of an nn.Parameter")
def learned_positions(c, w, x):
    return x + w["positions"][: x.shape[1]]


@formula("relative_position_bias", against="indexing (torchvision's swin_transformer)")
def relative_position_bias(c, w):
    window = c["window"] if isinstance(c["window"], list) else [c["window"]] * 2
    places = torch.stack(torch.meshgrid(*map(torch.arange, window), indexing="ij")).flatten(1)
    offsets = (places[:, :, None] - places[:, None, :]) + torch.tensor(window).reshape(2, 1, 1) - 1
    return w["table"][:, offsets[0] * (2 * window[1] - 1) + offsets[1]].unsqueeze(0)


@formula("alibi_bias", against="−slope · |i − j| (the authors' get_slopes)")
def alibi_bias(c, _, query, key=None):
    keys = (query if key is None else key).shape[1]
    distance = (torch.arange(query.shape[1]).unsqueeze(1) - torch.arange(keys)).abs()
    below = 2 ** (c["heads"].bit_length() - 1)
    powers = {count: 2 ** (-8 * torch.arange(1, count + 1) / count) for count in (below, 2 * below)}
    slopes = torch.cat([powers[below], powers[2 * below][::2]])[: c["heads"]]
    return (-slopes.reshape(-1, 1, 1) * distance).unsqueeze(0)


@formula("class_token", against="torch.cat with an nn.Parameter")
def class_token(c, w, x):
    token = w["token"].expand(len(x), -1, -1)
    return torch.cat([token, x] if c["place"] == "start" else [x, token], 1)


@formula("sequence_mask", against="torch.arange < lengths")
def sequence_mask(c, _, lengths, sequence=None):
    return torch.arange(c["length"] if sequence is None else sequence.shape[1]) < lengths.unsqueeze(1)


