"""Recurrent layers: by PyTorch's modules where these have the options, else step by step."""

import torch
import torch.nn.functional as F
from torch.nn.utils import rnn as packing

from .activations import activation
from .formula import formula
from .windows import convolve

UNUSUAL = ("reverse", "merge", "truncate", "peephole", "cell_clip", "padded_output")
STATES = {"rnn": ["h"], "gru": ["h"], "lstm": ["h", "c"]}


def of(w, name, suffix):
    return w.get(name + suffix)


def dense_products(w, suffix):
    weight, bias = of(w, "weight_input", suffix), of(w, "bias", suffix)
    return lambda x: F.linear(x, weight, bias), lambda h: F.linear(h, of(w, "weight_hidden", suffix))


def rnn_step(c, w, suffix, products):
    taken, kept = products
    return lambda x, h: (activation(c["activation"])(taken(x) + kept(h)),)


def gru_step(c, w, suffix, products):
    taken, _ = products
    act, gate = activation(c["activation"]), activation(c["recurrent_activation"])
    weight, bias = of(w, "weight_hidden", suffix), of(w, "bias_hidden", suffix)
    units = weight.shape[1]

    def step(x, h):
        x = taken(x)
        gates = gate(x[:, : 2 * units] + F.linear(h, weight[: 2 * units]))
        reset, update = gates.chunk(2, 1)
        own = weight[2 * units :]
        inner = reset * F.linear(h, own, bias) if c["reset_after"] else F.linear(reset * h, own)
        return ((1 - update) * act(x[:, 2 * units :] + inner) + update * h,)

    return step


def lstm_step(c, w, suffix, products):
    taken, kept = products
    act, gate = activation(c["activation"]), activation(c["recurrent_activation"])
    peephole, projection = of(w, "weight_peephole", suffix), of(w, "weight_projection", suffix)

    def seen(cell, row):
        return 0 if peephole is None else cell * peephole[row]

    def step(x, h, cell):
        i, f, g, o = (taken(x) + kept(h)).chunk(4, 1)
        i, f = gate(i + seen(cell, 0)), gate(f + seen(cell, 1))
        cell = f * cell + i * act(g)
        if c["cell_clip"] is not None:
            cell = cell.clamp(-c["cell_clip"], c["cell_clip"])
        h = gate(o + seen(cell, 2)) * act(cell)
        return h if projection is None else F.linear(h, projection), cell

    return step


STEPS = {"rnn": rnn_step, "gru": gru_step, "lstm": lstm_step}


def loop(c, step, x, states, reverse, valid, goes_on):
    """Outputs [N, T, ...] and the last states, of one direction."""
    steps = x.shape[1]
    outputs, previous = [None] * steps, torch.zeros_like(states[0])

    def where(flags, a, b):
        return torch.where(flags.reshape(-1, *[1] * (a.dim() - 1)), a, b)

    for count, t in enumerate(reversed(range(steps)) if reverse else range(steps)):
        if c["truncate"] and count > 0 and count % c["truncate"] == 0:
            states = tuple(state.detach() for state in states)
        own = states
        if goes_on is not None:
            begins = ~goes_on[:, t] if not reverse else ~goes_on[:, t + 1] if t + 1 < steps else torch.zeros(len(x), dtype=torch.bool)
            own = tuple(where(begins, torch.zeros_like(state), state) for state in states)
        made = step(x[:, t], *own)
        if valid is None:
            states, outputs[t] = made, made[0]
            continue
        missing = previous if c["padded_output"] == "previous" else torch.zeros_like(previous)
        outputs[t] = previous = where(valid[:, t], made[0], missing)
        states = tuple(where(valid[:, t], new, old) for new, old in zip(made, states))
    return torch.stack(outputs, 1), states


def merged(c, values, axis):
    if len(values) == 1:
        return values[0]
    a, b = values
    joins = {"sum": lambda: a + b, "mul": lambda: a * b, "ave": lambda: (a + b) / 2}
    return joins.get(c["merge"], lambda: torch.cat(values, axis))()


def by_steps(c, w, kind, products, x, extra, shape_of):
    """`shape_of(suffix, input)`: shapes of the states without the batch."""
    both, layers = bool(c["bidirectional"]), c["layers"] or 1
    valid = extra.get("mask")
    if "lengths" in extra:
        valid = torch.arange(x.shape[1]) < extra["lengths"].reshape(-1, 1)
    goes_on = None if "cont" not in extra else extra["cont"] != 0
    names = STATES[kind]
    finals = []
    loops = layers * (2 if both else 1)
    for layer in range(layers):
        made = []
        for reverse in (False, True) if both else (bool(c["reverse"]),):
            suffix = (f"_{layer}" if layer else "") + ("_reverse" if both and reverse else "")
            zeros = [torch.zeros(len(x), *shape, dtype=x.dtype) for shape in shape_of(suffix, x)]
            place = len(finals)
            given = [extra.get(name) if loops == 1 or name not in extra else extra[name][:, place] for name in names]
            states = tuple(zero if state is None else state for zero, state in zip(zeros, given))
            step = STEPS[kind](c, w, suffix, products(w, suffix))
            y, last = loop(c, step, x, states, reverse, valid, goes_on)
            made.append((y, last))
            finals.append(last)
        x = merged(c, [y for y, _ in made], 2)
        last_output = merged(c, [last[0] for _, last in made], 1)
    ends = [torch.stack(values, 1) if loops > 1 else values[0] for values in zip(*finals)]
    return (last_output if c["return"] == "last" else x, *ends, x, last_output)


def module_of(c, w, kind, features):
    options = {
        "num_layers": c["layers"], "bidirectional": c["bidirectional"], "bias": c["bias"], "batch_first": True, "dtype": torch.float64,
    }  # fmt: skip
    units = c["units"]
    if kind == "rnn":
        module = torch.nn.RNN(features, units, nonlinearity=c["activation"], **options)
    elif kind == "gru":
        module = torch.nn.GRU(features, units, **options)
    else:
        module = torch.nn.LSTM(features, units, proj_size=c["projection"] or 0, **options)
    values = {}
    for layer in range(c["layers"]):
        for direction in ("", "_reverse") if c["bidirectional"] else ("",):
            ours, theirs = (f"_{layer}" if layer else "") + direction, f"_l{layer}{direction}"
            values[f"weight_ih{theirs}"], values[f"weight_hh{theirs}"] = of(w, "weight_input", ours), of(w, "weight_hidden", ours)
            if c["projection"]:
                values[f"weight_hr{theirs}"] = of(w, "weight_projection", ours)
            if c["bias"]:
                bias = of(w, "bias", ours)
                hidden = torch.zeros_like(bias)
                if kind == "gru":
                    hidden = torch.cat([hidden[: 2 * units], of(w, "bias_hidden", ours)])
                values[f"bias_ih{theirs}"], values[f"bias_hh{theirs}"] = bias, hidden
    return module, values


def by_module(c, w, kind, x, extra):
    module, values = module_of(c, w, kind, x.shape[2])
    loops = c["layers"] * (2 if c["bidirectional"] else 1)
    names = STATES[kind]
    state = None
    if any(name in extra for name in names):
        shaped = [extra[name].reshape(len(x), loops, -1).transpose(0, 1).contiguous() for name in names]
        state = tuple(shaped) if kind == "lstm" else shaped[0]
    taken = x
    if "lengths" in extra:
        taken = packing.pack_padded_sequence(x, extra["lengths"], batch_first=True, enforce_sorted=False)
    y, last = torch.func.functional_call(module, values, (taken, state))
    if "lengths" in extra:
        y, _ = packing.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    ends = [end.transpose(0, 1) for end in (last if kind == "lstm" else (last,))]
    # The states after the last step of the last layer, its directions side by side.
    final = ends[0][:, -2:].flatten(1) if c["bidirectional"] else ends[0][:, -1]
    ends = [end if loops > 1 else end[:, 0] for end in ends]
    return (final if c["return"] == "last" else y, *ends, y, final)


@formula("rnn", "lstm", "gru", against="nn.RNN, nn.LSTM, nn.GRU; other options step by step")
def recurrent(c, w, x, *others):
    extra = dict(zip(c["extra_inputs"], others))
    usual = not any(c[name] for name in UNUSUAL) and not {"mask", "cont"} & set(extra)
    usual = usual and c["reset_after"] is not False and c["recurrent_activation"] in (None, "sigmoid")
    usual = usual and c["activation"] in (("tanh", "relu") if c.type == "rnn" else ("tanh",))
    if usual and not ("lengths" in extra and (extra["lengths"] == 0).any()):
        return by_module(c, w, c.type, x, extra)
    shapes = {"h": c["projection"] or c["units"], "c": c["units"]}
    return by_steps(c, w, c.type, dense_products, x, extra, lambda *_: [[shapes[name]] for name in STATES[c.type]])


@formula("rnn_cell", "lstm_cell", "gru_cell", against="nn.RNNCell, nn.LSTMCell, nn.GRUCell; other options written out")
def cell(c, w, x, *states):
    kind = c.type.split("_")[0]
    if c["peephole"] or c["projection"] or c["cell_clip"] or c["reset_after"] is False:
        made = STEPS[kind](c, w, "", dense_products(w, ""))(x, *states)
        return made if len(made) > 1 else made[0]
    classes = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
    module = classes[kind](x.shape[1], c["units"], dtype=torch.float64)
    hidden = torch.zeros_like(w["bias"])
    if kind == "gru":
        hidden = torch.cat([hidden[: 2 * c["units"]], w["bias_hidden"]])
    values = {"weight_ih": w["weight_input"], "weight_hh": w["weight_hidden"], "bias_ih": w["bias"], "bias_hh": hidden}
    return torch.func.functional_call(module, values, (x, states if kind == "lstm" else states[0]))


@formula("conv_lstm1d", "conv_lstm2d", "conv_lstm3d", against="F.convNd step by step (Keras)")
def conv_lstm(c, w, x, *others):
    extra = dict(zip(c["extra_inputs"], others))

    def products(w, suffix):
        same = type(c)(c.type, c.mode, {**c.fields, "padding": "same", "stride": 1, "dilation": 1}, {}, [])
        return (
            lambda x: convolve(c, x, of(w, "weight_input", suffix), of(w, "bias", suffix), 1),
            lambda h: convolve(same, h, of(w, "weight_hidden", suffix), None, 1),
        )

    def shapes(suffix, x):
        return [products(w, suffix)[0](x[:, 0]).chunk(4, 1)[0].shape[1:]] * 2

    return by_steps(c, w, "lstm", products, x, extra, shapes)


@formula("masking", against="torch.all of comparisons (Keras)")
def masking(c, _, x):
    mask = (x != c["value"]).flatten(2).any(2)
    return x * mask.reshape(*mask.shape, *[1] * (x.dim() - 2)) if c["zero"] else x * 1, mask


@formula("scan", against="the loop of its sample, written out")
def scan(c, w, *inputs):
    if "in.weight" in w:
        x, h = inputs
        outputs = []
        for t in range(x.shape[1]):
            h = torch.tanh(F.linear(x[:, t], w["in.weight"], w["in.bias"]) + F.linear(h, w["own.weight"]))
            outputs.append(h)
        return torch.stack(outputs, 1), h
    x, k = inputs
    h, outputs = torch.zeros_like(x[:, 0]), [None] * x.shape[1]
    for count, t in enumerate(reversed(range(x.shape[1]))):
        h = h.detach() if count and count % c["truncate"] == 0 else h
        outputs[t] = h = torch.tanh(x[:, t] * k + h)
    y = torch.stack(outputs, 1)
    return y, 2 * y, h


@formula("cond", against="the branch of its sample, written out")
def cond(c, w, condition, x):
    if condition.item():
        return torch.tanh(F.linear(x, w["then/a.weight"], w["then/a.bias"]))
    return F.linear(x, w["otherwise/b.weight"], w["otherwise/b.bias"])


@formula("while", against="the loop of its sample, written out")
def while_(c, _, v, k):
    count = 0
    while v.max() < 2 and count < c["limit"]:
        v, count = v * k + 0.2, count + 1
    return v.detach(), torch.tensor(count)


@formula("time_distributed", against="F.conv2d on steps as samples")
def time_distributed(c, w, x):
    y = F.conv2d(x.flatten(0, 1), w["c.weight"], w["c.bias"]).mean((2, 3))
    return y.reshape(*x.shape[:2], -1)


@formula("expression", against="the formula of its sample, in Python")
def expression(c, w, *inputs):
    sigmoid, mean, sqrt, where = torch.sigmoid, torch.mean, torch.sqrt, torch.where
    expr = c["expr"]
    if expr == "x * sigmoid(1.7 * x)":
        (x,) = inputs
        return x * sigmoid(1.7 * x)
    if expr.startswith("(x - mean(x, C))"):
        (x,) = inputs
        deviation = sqrt(x.var(1, correction=0, keepdim=True) + 1e-3)
        return (x - mean(x, 1, keepdim=True)) / deviation * w["g"].reshape(-1, 1, 1)
    if expr == "a * b + dot(a * b, b, T)":
        a, b = inputs
        product = a.unsqueeze(2) * b.unsqueeze(1)
        return product + torch.einsum("nct,nt->nc", product, b).unsqueeze(2)
    if expr.startswith("where(x > 0.1"):
        (x,) = inputs
        pieces = where(x > 0.1, x**3, 0.5 * x.clamp(min=-0.5))
        return pieces + x.logsumexp(1, keepdim=True)
    raise KeyError(f"no formula for the expression {expr!r}")


