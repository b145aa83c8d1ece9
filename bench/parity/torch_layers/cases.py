"""Cases beside the registry's samples: what PyTorch users write, for the options that PyTorch has itself."""

SPATIAL = {1: [7], 2: [5, 6], 3: [4, 3, 5]}
CASES = []


def case(type_, shapes, at="train", separated=False, ranges=None, values=None, **fields):
    """A shape is a list without the batch, or with a dtype a pair."""
    inputs = []
    for i, shape in enumerate(shapes):
        shape, dtype = shape if isinstance(shape, tuple) else (shape, None)
        given = {"shape": ["N", *shape], **({"dtype": dtype} if dtype else {}), **({"separated": True} if separated else {})}
        if ranges and ranges[i]:
            given["range"] = ranges[i]
        if values:
            given["values"] = values[i]
        inputs.append(given)
    CASES.append({"type": type_, "mode": at, "sample": {"inputs": inputs, "fields": fields}})


for r in (1, 2, 3):
    x = [4, *SPATIAL[r]]
    case(f"conv{r}d", [x], filters=3, kernel=3, padding=1)
    case(f"conv{r}d", [x], filters=6, kernel=3, padding=1, stride=2, groups=2)
    case(f"conv{r}d", [x], filters=3, kernel=3, padding=2, dilation=2, bias=False)
    case(f"conv_transpose{r}d", [x], filters=3, kernel=3, stride=2, padding=1, output_padding=1)
    case(f"conv_transpose{r}d", [x], filters=4, kernel=2, stride=3, padding=1, groups=2, dilation=2)
    if r < 3:
        case(f"depthwise_conv{r}d", [x], kernel=3, padding=1)
    case(f"max_pool{r}d", [x], separated=True, kernel=3, stride=2, padding=1, ceil_mode=True)
    case(f"max_pool{r}d", [x], separated=True, kernel=2)
    case(f"avg_pool{r}d", [x], kernel=3, stride=2, padding=1, ceil_mode=True)
    case(f"avg_pool{r}d", [x], kernel=3, stride=2, padding=1, count_include_pad=False)
    for size in (2, 3):
        case(f"adaptive_avg_pool{r}d", [x], size=size)
        case(f"adaptive_max_pool{r}d", [x], separated=True, size=size)
    case(f"lp_pool{r}d", [x], ranges=[[0.1, 1]], kernel=2, norm=2)
    case(f"global_avg_pool{r}d", [x])
    case(f"global_max_pool{r}d", [x], separated=True)
    case("batch_norm", [x])
    case("batch_norm", [x], at="predict")
    case("instance_norm", [x])
    case("group_norm", [x], groups=2)
    for method in ("nearest", ("linear", "bilinear", "trilinear")[r - 1]):
        case(f"upsample{r}d", [x], scale=2, method=method)

case("layer_norm", [[3, 5]])
case("rms_norm", [[3, 5]], epsilon=1e-3)
case("lrn", [[7, 2, 3]], size=5, alpha=1)
case("dense", [[5]], units=3)
case("dense", [[2, 5]], units=3, axis=-1)
case("bilinear", [[3], [5]], units=2)
case("einsum", [[3, 4], [3, 5]], equation="nkm,nkj->nmj")
case("embedding", [([5], "int32")], ranges=[[0, 6]], vocabulary=7, units=3)
case("prelu", [[3, 5]], separated=True)
case("glu", [[6, 3]], axis=1)
case("softmax", [[5]])
case("log_softmax", [[5]])
case("attention", [[3, 5], [4, 5]])
case("attention", [[4, 3, 2], [4, 5, 2], [4, 5, 3]], causal=True)
case("pad", [[2, 3, 5]], padding=[[1, 0], [1, 2]], mode="reflect")
case("pad", [[2, 3, 5]], padding=[2, 1], mode="edge")
case("pad", [[2, 3, 5]], padding=[2, 1], mode="wrap")
case("unfold", [[2, 5, 6]], kernel=3, padding=1, stride=2)
case("channel_shuffle", [[6, 3, 2]], groups=2)
case("flatten", [[3, 5, 2]])
case("resize", [[2, 5, 7]], size=[3, 9], method="bicubic")
case("resize", [[2, 5, 7]], size=[7, 3], method="bilinear", corners="align")
case("resize", [[2, 5, 9]], size=[3, 4], method="bilinear", antialias=True)

case("multi_head_attention", [[5, 8]], heads=4, causal=True)
case("multi_head_attention", [[3, 8], [5, 8]], heads=4)
case("cosine_similarity", [[3, 5], [3, 5]], axis=1)
case("depth_to_space", [[9, 2, 3]], block=3, order="column_row_depth")
case("space_to_depth", [[2, 3, 6]], block=3, order="column_row_depth")
case("threshold", [[3, 5]], threshold=0.1, value=0.5)
case("l2_normalize", [[3, 2, 2]], axis=1, epsilon=1e-12)
case("flip", [[3, 5]], axes=[1, -1])
case("roll", [[3, 5]], axes=[1, 2], shift=1)
case("tile", [[3, 5]], repeats=[1, 2, 3])
case("cumsum", [[3, 5]], axis=-1)

LENGTHS = {"shapes": [[5, 4], ([], "int32")], "ranges": [None, [1, 5]], "extra_inputs": ["lengths"]}
case("rnn", [[5, 4]], units=3)
case("rnn", [[5, 4], [4, 3]], units=3, activation="relu", layers=2, bidirectional=True, extra_inputs=["h"])
case("lstm", [[5, 4], [4, 3], [4, 3]], units=3, layers=2, bidirectional=True, extra_inputs=["h", "c"])
case("lstm", units=3, bidirectional=True, layers=2, **LENGTHS)
case("lstm", [[5, 4]], units=3, layers=2, projection=2, bias=False)
case("gru", [[5, 4], [3]], units=3, extra_inputs=["h"])
case("gru", units=3, layers=2, bidirectional=True, **{"return": "last"}, **LENGTHS)
for mode in ("reflect", "edge", "wrap"):
    case("conv2d", [[2, 5, 6]], filters=3, kernel=3, padding=1, stride=2, padding_mode=mode)
case("resize", [[2, 5, 7]], scale=[1.5, 2.3], method="bilinear")
case("resize", [[2, 5, 7]], scale=[0.6, 0.7], method="bicubic")
case("resize", [[2, 9]], size=4, method="linear", corners="align")
case("affine_grid_sample", [[2, 5, 6], [2, 3]], corners="align", border="reflect")
case("affine_grid_sample", [[2, 5, 6], [4, 3, 2]], border="edge")
case("layer_norm", [[3, 4, 5]], axis=[-2, -1])
case("multi_head_attention", [[3, 8], [5, 6], [5, 4]], heads=2, key_units=4, value_units=4)
case("matmul", [[4, 3, 5], [1, 5, 2]])

IMAGE = [[3, 6, 7]]
case("random_rotation", IMAGE, degrees=[25, 25])
case("random_rotation", [[3, 5, 7]], degrees=[90, 90], border="edge", method="nearest")
case("random_translation", IMAGE, height=[0.22, 0.22], width=[-0.1, -0.1])
case("random_translation", IMAGE, height=[0.34, 0.34], whole=True, border="edge")
case("random_zoom", IMAGE, scale=[1.3, 1.3])
case("random_zoom", IMAGE, scale=[0.7, 0.7], border="symmetric")
case("random_shear", IMAGE, x=[12, 12])
case("random_shear", IMAGE, x=[10, 10], y=[-15, -15])
case("random_affine", IMAGE, degrees=[20, 20], height=[0.1, 0.1], width=[0.21, 0.21], scale=[1.2, 1.2], shear_x=[8, 8], shear_y=[-5, -5])
COLORS = {"shapes": [[3, 4, 5]], "ranges": [[0.05, 0.95]], "separated": True}
case("random_hue", factor=[0.13, 0.13], **COLORS)
case("random_hue", factor=[-0.4, -0.4], **COLORS)
case("color_jitter", brightness=[1.2, 1.2], contrast=[0.6, 0.6], saturation=[1.5, 1.5], hue=[0.1, 0.1], **COLORS)
case("random_gaussian_blur", kernel=[3, 5], sigma=[0.8, 0.8], **COLORS)
case("random_sharpness", factor=[1.7, 1.7], value_range="none", probability=1, **COLORS)

# At the kinks of functions, where the slope is a convention, and far out.
KINKS = [[-1000, -6, -3, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 3, 6, 30, 1000]]
for name in (
    "relu", "leaky_relu", "sigmoid", "tanh", "gelu", "silu", "elu", "softplus", "relu6", "celu", "selu", "mish", "hard_sigmoid",
    "hard_swish", "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "log_sigmoid", "softsign", "prelu", "abs", "sign",
    "floor", "ceil", "round", "erf", "atan", "asinh", "softmax", "log_softmax", "cumsum", "sort", "crelu", "layer_norm",
):  # fmt: skip
    case(name, [[14]], values=KINKS)
case("gelu", [[14]], values=KINKS, approximate="tanh")
case("threshold", [[14]], values=KINKS, threshold=0.5, value=2)
case("clip", [[14]], values=KINKS, min=-1, max=3)
HALVES = [[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0, 7]]
case("round", [[8]], values=HALVES)
for name in ("maximum", "minimum", "add", "div", "mod", "atan2"):
    case(name, [[4], [4]], values=[[1, -2, 3, 0.5], [1, 2, -3, 0.5]])
TIES = [[1, 3, 3, 2, 3, 1, 0, 0]]
for r in (1, 2):
    case(f"max_pool{r}d", [[1, *[8, 4][:r]]], values=TIES, kernel=2)
    case(f"max_pool{r}d", [[1, *[8, 4][:r]]], values=TIES, kernel=3, stride=1, padding=1)
    case(f"adaptive_max_pool{r}d", [[1, *[8, 4][:r]]], values=TIES, size=3)
    case(f"global_max_pool{r}d", [[1, *[8, 4][:r]]], values=TIES)
for name in ("reduce_max", "reduce_min", "reduce_prod", "reduce_l1_norm", "cumprod"):
    case(name, [[8]], values=TIES)
case("reduce_l2_norm", [[4]], values=[[0, 0, 0, 0]])
case("l2_normalize", [[4]], values=[[0, 0, 0, 0, 3, 4, 0, 0]])
case("cosine_similarity", [[4], [4]], values=[[0, 0, 0, 0, 3, 4, 0, 0], [1, 2, 3, 4]])
case("pow", [[5]], values=[[0, 1, 2, -1, -2]], power=2)
case("pow", [[5]], values=[[0, 1, 2, -1, -2]], power=3)
case("top_k", [[8]], values=TIES, k=3)
case("lp_pool1d", [[1, 8]], values=[[0, 0, 3, 4, 1, 0, 0, 0]], kernel=2)
case("reduce_std", [[4]], values=[[2, 2, 2, 2, 1, 2, 3, 4]])
