"""Compares layers with PyTorch's modules and functions of the same weights: outputs and all gradients.

    python3 bench/parity/layers.py [names]

dlc computes natively in float32, PyTorch in double precision. Outputs have to agree within 1e-5 of the largest
magnitude, gradients within 1e-4. Says so and ends well where PyTorch is not installed.
"""

import json
import pathlib
import subprocess
import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("skipped: PyTorch is not installed")
    sys.exit(0)

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORWARD, GRADIENT = 1e-5, 1e-4
SPATIAL = {1: [7], 2: [5, 6], 3: [4, 3, 5]}
CASES = []


def case(type_, shapes, function, at="train", separated=False, ranges=None, **fields):
    """`function(w, *inputs)`: w holds the weights by name. A shape is a list, or with a dtype a pair."""
    inputs = []
    for i, shape in enumerate(shapes):
        shape, dtype = shape if isinstance(shape, tuple) else (shape, None)
        given = {"shape": ["N", *shape], **({"dtype": dtype} if dtype else {}), **({"separated": True} if separated else {})}
        if ranges and ranges[i]:
            given["range"] = ranges[i]
        inputs.append(given)
    CASES.append((type_, function, {"type": type_, "mode": at, "sample": {"inputs": inputs, "fields": fields}}))


def of_rank(name, rank):
    return getattr(F, f"{name}{rank}d")


for r in (1, 2, 3):
    conv, turned = of_rank("conv", r), of_rank("conv_transpose", r)
    x = [4, *SPATIAL[r]]
    case(f"conv{r}d", [x], lambda w, x, f=conv: f(x, w["weight"], w["bias"], padding=1), filters=3, kernel=3, padding=1)
    case(f"conv{r}d", [x], lambda w, x, f=conv: f(x, w["weight"], w["bias"], stride=2, padding=1, groups=2), filters=6, kernel=3, padding=1, stride=2, groups=2)
    case(f"conv{r}d", [x], lambda w, x, f=conv: f(x, w["weight"], None, padding=2, dilation=2), filters=3, kernel=3, padding=2, dilation=2, bias=False)
    case(f"conv_transpose{r}d", [x], lambda w, x, f=turned: f(x, w["weight"], w["bias"], stride=2, padding=1, output_padding=1), filters=3, kernel=3, stride=2, padding=1, output_padding=1)
    case(f"conv_transpose{r}d", [x], lambda w, x, f=turned: f(x, w["weight"], w["bias"], stride=3, padding=1, groups=2, dilation=2), filters=4, kernel=2, stride=3, padding=1, groups=2, dilation=2)
    if r < 3:
        case(f"depthwise_conv{r}d", [x], lambda w, x, f=conv: f(x, w["weight"].reshape(4, 1, *w["weight"].shape[-(x.dim() - 2):]), w["bias"], padding=1, groups=4), kernel=3, padding=1)
    p = of_rank("max_pool", r)
    case(f"max_pool{r}d", [x], lambda w, x, f=p: f(x, 3, 2, 1, ceil_mode=True), separated=True, kernel=3, stride=2, padding=1, ceil_mode=True)
    case(f"max_pool{r}d", [x], lambda w, x, f=p: f(x, 2), separated=True, kernel=2)
    p = of_rank("avg_pool", r)
    case(f"avg_pool{r}d", [x], lambda w, x, f=p: f(x, 3, 2, 1, ceil_mode=True), kernel=3, stride=2, padding=1, ceil_mode=True)
    case(f"avg_pool{r}d", [x], lambda w, x, f=p: f(x, 3, 2, 1, count_include_pad=False), kernel=3, stride=2, padding=1, count_include_pad=False)
    for size in (2, 3):
        case(f"adaptive_avg_pool{r}d", [x], lambda w, x, f=of_rank("adaptive_avg_pool", r), s=size: f(x, s), size=size)
        case(f"adaptive_max_pool{r}d", [x], lambda w, x, f=of_rank("adaptive_max_pool", r), s=size: f(x, s), separated=True, size=size)
    case(f"lp_pool{r}d", [x], lambda w, x, f=of_rank("lp_pool", r): f(x, 2, 2), ranges=[[0.1, 1]], kernel=2, norm=2)
    case(f"global_avg_pool{r}d", [x], lambda w, x: x.flatten(2).mean(2))
    case(f"global_max_pool{r}d", [x], lambda w, x: x.flatten(2).amax(2), separated=True)
    case("batch_norm", [x], lambda w, x: F.batch_norm(x, None, None, w["gamma"], w["beta"], True))
    case("batch_norm", [x], lambda w, x: F.batch_norm(x, w["mean"], w["variance"], w["gamma"], w["beta"]), at="predict")
    case("instance_norm", [x], lambda w, x: F.instance_norm(x, weight=w["gamma"], bias=w["beta"]))
    case("group_norm", [x], lambda w, x: F.group_norm(x, 2, w["gamma"], w["beta"]), groups=2)
    for method in ("nearest", ("linear", "bilinear", "trilinear")[r - 1]):
        case(f"upsample{r}d", [x], lambda w, x, m=method: F.interpolate(x, scale_factor=2, mode=m), scale=2, method=method)

case("layer_norm", [[3, 5]], lambda w, x: F.layer_norm(x, [5], w["gamma"], w["beta"]))
case("rms_norm", [[3, 5]], lambda w, x: F.rms_norm(x, [5], w["gamma"], 1e-3), epsilon=1e-3)
case("lrn", [[7, 2, 3]], lambda w, x: F.local_response_norm(x, 5, 1.0, 0.75, 1.0), size=5, alpha=1)
case("dense", [[5]], lambda w, x: F.linear(x, w["weight"], w["bias"]), units=3)
case("dense", [[2, 5]], lambda w, x: F.linear(x, w["weight"], w["bias"]), units=3, axis=-1)
case("bilinear", [[3], [5]], lambda w, a, b: F.bilinear(a, b, w["weight"], w["bias"]), units=2)
case("einsum", [[3, 4], [3, 5]], lambda w, a, b: torch.einsum("nkm,nkj->nmj", a, b), equation="nkm,nkj->nmj")
case("embedding", [([5], "int32")], lambda w, i: F.embedding(i, w["weight"]), ranges=[[0, 6]], vocabulary=7, units=3)
case("prelu", [[3, 5]], lambda w, x: F.prelu(x, w["slope"]), separated=True)
case("glu", [[6, 3]], lambda w, x: F.glu(x, 1), axis=1)
case("softmax", [[5]], lambda w, x: F.softmax(x, 1))
case("log_softmax", [[5]], lambda w, x: F.log_softmax(x, 1))
case("attention", [[3, 5], [4, 5]], lambda w, q, k: F.scaled_dot_product_attention(q, k, k))
case("attention", [[4, 3, 2], [4, 5, 2], [4, 5, 3]], lambda w, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), causal=True)
case("pad", [[2, 3, 5]], lambda w, x: F.pad(x, (1, 2, 1, 0), mode="reflect"), padding=[[1, 0], [1, 2]], mode="reflect")
case("pad", [[2, 3, 5]], lambda w, x: F.pad(x, (1, 1, 2, 2), mode="replicate"), padding=[2, 1], mode="edge")
case("pad", [[2, 3, 5]], lambda w, x: F.pad(x, (1, 1, 2, 2), mode="circular"), padding=[2, 1], mode="wrap")
case("unfold", [[2, 5, 6]], lambda w, x: F.unfold(x, 3, 1, 1, 2), kernel=3, padding=1, stride=2)
case("channel_shuffle", [[6, 3, 2]], lambda w, x: F.channel_shuffle(x, 2), groups=2)
case("flatten", [[3, 5, 2]], lambda w, x: x.flatten(1))
case("resize", [[2, 5, 7]], lambda w, x: F.interpolate(x, size=(3, 9), mode="bicubic"), size=[3, 9], method="bicubic")
case("resize", [[2, 5, 7]], lambda w, x: F.interpolate(x, size=(7, 3), mode="bilinear", align_corners=True), size=[7, 3], method="bilinear", corners="align")
case("resize", [[2, 5, 9]], lambda w, x: F.interpolate(x, size=(3, 4), mode="bilinear", antialias=True), size=[3, 4], method="bilinear", antialias=True)



def attended(w, query, key, value, causal=False):
    weights = torch.cat([w["query"], w["key"], w["value"]])
    biases = torch.cat([w["query_bias"], w["key_bias"], w["value_bias"]])
    hidden = torch.ones(query.shape[1], key.shape[1], dtype=torch.bool).triu(1) if causal else None
    turned = (x.transpose(0, 1) for x in (query, key, value))
    y, _ = F.multi_head_attention_forward(
        *turned, query.shape[2], 4, weights, biases, None, None, False, 0.0, w["output"], w["output_bias"], attn_mask=hidden, need_weights=False
    )
    return y.transpose(0, 1)


case("multi_head_attention", [[5, 8]], lambda w, x: attended(w, x, x, x, True), heads=4, causal=True)
case("multi_head_attention", [[3, 8], [5, 8]], lambda w, q, k: attended(w, q, k, k), heads=4)
case("cosine_similarity", [[3, 5], [3, 5]], lambda w, a, b: F.cosine_similarity(a, b, 1), axis=1)
case("depth_to_space", [[9, 2, 3]], lambda w, x: F.pixel_shuffle(x, 3), block=3, order="column_row_depth")
case("space_to_depth", [[2, 3, 6]], lambda w, x: F.pixel_unshuffle(x, 3), block=3, order="column_row_depth")
case("threshold", [[3, 5]], lambda w, x: F.threshold(x, 0.1, 0.5), threshold=0.1, value=0.5)
case("l2_normalize", [[3, 2, 2]], lambda w, x: F.normalize(x, dim=1), axis=1, epsilon=1e-12)
case("flip", [[3, 5]], lambda w, x: x.flip(1, 2), axes=[1, -1])
case("roll", [[3, 5]], lambda w, x: x.roll((1, 1), (1, 2)), axes=[1, 2], shift=1)
case("tile", [[3, 5]], lambda w, x: x.repeat(1, 2, 3), repeats=[1, 2, 3])
case("cumsum", [[3, 5]], lambda w, x: x.cumsum(2), axis=-1)

ACTIVATIONS = {
    "relu": F.relu, "relu6": F.relu6, "elu": F.elu, "selu": F.selu, "celu": F.celu, "gelu": F.gelu, "silu": F.silu, "mish": F.mish,
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softplus": F.softplus,
    "softsign": F.softsign, "hard_sigmoid": F.hardsigmoid, "hard_swish": F.hardswish, "hard_tanh": F.hardtanh, "log_sigmoid": F.logsigmoid,
    "tanh_shrink": F.tanhshrink, "soft_shrink": F.softshrink, "hard_shrink": F.hardshrink, "leaky_relu": F.leaky_relu,
}  # fmt: skip


# What takes positive numbers too: between 0.1 and 0.9.
FUNCTIONS = ["exp", "log", "sqrt", "rsqrt", "abs", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "erf", "log1p", "expm1", "square", "reciprocal"]


def run(cases):
    # Inside of the package, where the native runtime is found.
    script = ROOT / "build" / "parity" / "layers-run.cjs"
    bundle = ["npx", "esbuild", "bench/parity/layers-run.ts", "--bundle", "--platform=node", "--log-level=error", "--external:*.node"]
    subprocess.run([*bundle, f"--outfile={script}"], cwd=ROOT, check=True)
    given = json.dumps([spec for _, _, spec in cases])
    done = subprocess.run(["node", script], cwd=ROOT, input=given, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def tensor(given):
    dtype = torch.float64 if given["dtype"] == "f32" else torch.bool if given["dtype"] == "bool" else torch.int64
    return torch.tensor(given["values"], dtype=dtype).reshape(given["shape"])


def apart(found, expected, least=1e-3):
    if found.shape != expected.shape:
        return float("inf")
    return ((found - expected).abs().max() / max(expected.abs().max().item(), least)).item()


def compare(function, result):
    leaves = {name: tensor(given) for name, given in {**result["inputs"], **result["states"]}.items() if name != "rng"}
    for name in result["results"]:
        if name.startswith("d_"):
            leaves[name[2:]].requires_grad_(True)
    weights = {name.split(".", 1)[1]: leaf for name, leaf in leaves.items() if "." in name}
    inputs = [leaf for name, leaf in leaves.items() if name.startswith("in")]
    expected = function(weights, *inputs)
    forward = apart(tensor(result["results"]["y0"]), expected.detach())
    (expected * torch.tensor(result["results"]["y0"]["weights"], dtype=torch.float64).reshape(expected.shape)).sum().backward()
    pairs = [(tensor(given), leaves[name[2:]].grad) for name, given in result["results"].items() if name.startswith("d_")]
    # The gradient of attention's key bias is zero: what rounding leaves there is small beside the others.
    least = max((wanted.abs().max().item() for _, wanted in pairs), default=0.0) / 100
    return forward, max((apart(found, wanted, least) for found, wanted in pairs), default=0.0)


def main():
    for name, function in ACTIVATIONS.items():
        case(name, [[3, 7]], lambda w, x, f=function: f(x), separated=True, ranges=[[-4, 4]])
    for name in FUNCTIONS:
        case(name, [[3, 7]], lambda w, x, f=getattr(torch, name): f(x), ranges=[[0.1, 0.9]])
    wanted = sys.argv[1:]
    cases = [given for given in CASES if not wanted or given[0] in wanted]
    failed = 0
    print(f"{'layer':24} {'forward':>10} {'gradients':>10}  fields")
    for (name, function, spec), result in zip(cases, run(cases)):
        try:
            forward, gradients = compare(function, result)
        except Exception as error:  # One case that PyTorch refuses must not hide the others.
            print(f"{name}: {type(error).__name__}: {error}")
            forward = gradients = float("inf")
        good = result["ok"] and forward <= FORWARD and gradients <= GRADIENT
        failed += not good
        fields = json.dumps(spec["sample"]["fields"])
        print(f"{name:24} {forward:10.1e} {gradients:10.1e}  {fields}{'' if good else '  DIFFERS'}")
    print(f"{len(cases)} cases of {len({name for name, _, _ in cases})} layers, {failed} differ")
    return 1 if failed else 0


sys.exit(main())
