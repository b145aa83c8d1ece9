"""Compares dlc's losses and their gradients with PyTorch's, on the cases of test/losses/cases.ts.

    python3 bench/parity/losses.py [--write]

Prints a table and ends with 1 where a native float32 loss is off by more than 1e-5 relative or a gradient by more than
1e-4, or the float64 reference by more than 1e-9. `--write` keeps PyTorch's numbers in test/losses/pytorch.json, which
the tests compare with. Losses that PyTorch does not have are written down here in its tensors, from the papers.
Says so and ends well where PyTorch is not installed.
"""

import json
import math
import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("skipped: PyTorch is not installed")
    sys.exit(0)

from compiled import ROOT, compiled

VALUE, GRADIENT, REFERENCE = 1e-5, 1e-4, 1e-9


def tensor(given):
    kind = torch.float64 if given.get("dtype", "float32") == "float32" else torch.int64
    return torch.tensor(given["values"], dtype=kind).reshape(given["shape"])


def chosen(x, labels):
    """The element of each label along axis 1; those of ignored labels are of class 0."""
    return x.gather(1, labels.clamp(max=x.shape[1] - 1).unsqueeze(1)).squeeze(1)


def signs(t):
    return torch.where(t == 0, -1, t).double()


def onehot(x, labels):
    return F.one_hot(labels, x.shape[1]).movedim(-1, 1).double()


def cross(x, t, **options):
    return F.cross_entropy(x, t, ignore_index=255, **options)


WEIGHTS = torch.tensor([1, 2, 0.5], dtype=torch.float64)


def infogain(x, t, matrix):
    return -(torch.tensor(matrix, dtype=torch.float64)[t] * torch.log_softmax(x, 1)).sum(1).mean()


def focal_sigmoid(x, t, alpha=0.25, gamma=2):
    p = torch.sigmoid(x)
    right = p * t + (1 - p) * (1 - t)
    entropy = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    return ((alpha * t + (1 - alpha) * (1 - t)) * (1 - right) ** gamma * entropy).mean()


def focal_softmax(x, t):
    alpha, p = torch.tensor([1, 0.5, 2, 0.1, 1], dtype=torch.float64), chosen(torch.softmax(x, 1), t)
    return (alpha[t] * (1 - p) ** 1.5 * -torch.log(p)).mean()


def caffe_hinge(x, t):
    return (torch.clamp(1 - (2 * onehot(x, t) - 1) * x, min=0) ** 2).sum(1).mean()


def categorical_hinge(x, t):
    t = onehot(x, t)
    return torch.clamp(1 + ((1 - t) * x).amax(1) - (t * x).sum(1), min=0).mean()


def multilabel_margin(x, t):
    targets = torch.full_like(t, -1)
    for row, present in enumerate(t):
        classes = present.nonzero().flatten()
        targets[row, : len(classes)] = classes
    return F.multilabel_margin_loss(x, targets)


def dice(p, t, axes, smooth=0.0):
    return 1 - (2 * (p * t).sum(axes) + smooth) / (p.sum(axes) + t.sum(axes) + smooth)


def tversky(p, t):
    both, positives, negatives = (a.sum((0, 2, 3)) for a in (p * t, p * (1 - t), (1 - p) * t))
    return (1 - (both + 0.5) / (both + 0.3 * positives + 0.7 * negatives + 0.5)).pow(0.75).mean()


def jaccard_falls(own):
    """By how much the Jaccard index falls with each error (Berman et al. 2018, algorithm 1)."""
    total = own.sum()
    index = 1 - (total - own.cumsum(0)) / (total + (1 - own).cumsum(0))
    return torch.cat([index[:1], index[1:] - index[:-1]])


def lovasz_line(errors, own):
    errors, order = torch.sort(errors, descending=True)
    return torch.dot(errors, jaccard_falls(own[order]))


def lovasz_softmax(x, t):
    losses = []
    for scores, labels in zip(torch.softmax(x, 1), t):
        counts = labels != 255
        for c in labels[counts].unique():
            own = (labels[counts] == c).double()
            losses.append(lovasz_line((own - scores[c][counts]).abs(), own))
    return torch.stack(losses).mean()


def lovasz_hinge(x, t):
    x, t = x.flatten(), t.flatten().double()
    return lovasz_line(torch.relu(1 - x * (2 * t - 1)), t)


def contrastive(a, b, same, legacy=False):
    squared = (a - b).square().sum(1)
    apart = torch.clamp(9 - squared, min=0) if legacy else torch.clamp(3 - squared.sqrt(), min=0).square()
    return (same * squared + (1 - same) * apart).mean() / 2


def by_triplets(distance, margin):
    return lambda a, p, n: F.triplet_margin_with_distance_loss(a, p, n, distance_function=distance, margin=margin)


def info_nce(a, b):
    scores = F.normalize(a) @ F.normalize(b).T / 0.2
    rows = torch.arange(len(a))
    return (F.cross_entropy(scores, rows) + F.cross_entropy(scores.T, rows)) / 2


def nt_xent(a, b):
    views = F.normalize(torch.cat([a, b]))
    scores = (views @ views.T / 0.5).fill_diagonal_(-math.inf)
    return F.cross_entropy(scores, torch.arange(len(views)).roll(len(a)))


def circle(x, t, gamma=4, margin=0.25):
    losses, cosines = [], F.normalize(x) @ F.normalize(x).T
    for i, row in enumerate(cosines):
        same = (t == t[i]) & (torch.arange(len(t)) != i)
        near, far = row[same], row[t != t[i]]
        positive = -gamma * torch.relu(1 + margin - near).detach() * (near - 1 + margin)
        negative = gamma * torch.relu(far + margin).detach() * (far - margin)
        losses.append(torch.log1p(negative.exp().sum() * positive.exp().sum()))
    return torch.stack(losses).mean()


def ctc(x, t, frames, labels, **options):
    return F.ctc_loss(torch.log_softmax(x, 2).transpose(0, 1), t, frames, labels, **options)


def area(box):
    return (box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1])


def overlap(a, b, kind="iou"):
    """Of boxes [..., 4] and [..., 4]: Rezatofighi et al. 2019, algorithm 1; Zheng et al. 2020, equations 6 to 11."""
    extent = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    inner = extent.prod(-1)
    union = area(a) + area(b) - inner
    iou = inner / union
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    if kind == "giou":
        return iou - 1 + union / hull.prod(-1)
    if kind == "iou":
        return iou
    distance = ((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2).square().sum(-1)
    diou = iou - distance / hull.square().sum(-1)
    if kind == "diou":
        return diou
    angles = [torch.atan((x[..., 2] - x[..., 0]) / (x[..., 3] - x[..., 1])) for x in (a, b)]
    v = 4 / math.pi**2 * (angles[0] - angles[1]) ** 2
    return diou - (v / (1 - iou + v)).detach() * v


def matches(priors, truth, force, threshold, low):
    """For each prior its true box, -1 for none, -2 for one between the thresholds."""
    with torch.no_grad():
        table = overlap(truth[:, None], priors[None])
        best, index = table.max(0)
        index = torch.where(best >= threshold, index, torch.where(best >= low, -2, -1))
        if force == "best":  # torchvision's SSDMatcher
            index[table.argmax(1)] = torch.arange(len(truth))
        if force == "every_best":  # torchvision's Matcher, set_low_quality_matches_
            _, again = torch.where(table == table.amax(1, keepdim=True))
            index[again] = table.argmax(0)[again]
        if force == "bipartite":  # Caffe's MatchBBox
            while table.max() > 0:
                row, column = divmod(table.argmax().item(), len(priors))
                index[column] = row
                table[row], table[:, column] = 0, 0
        return index


def center_size(box):
    return torch.cat([(box[..., :2] + box[..., 2:]) / 2, box[..., 2:] - box[..., :2]], -1)


def encoded(box, prior, coding):
    if coding == "center_size":
        box, prior = center_size(box), center_size(prior)
        return torch.cat([(box[..., :2] - prior[..., :2]) / prior[..., 2:], torch.log(box[..., 2:] / prior[..., 2:])], -1)
    return box - prior


def decoded(offsets, prior, coding, limit=math.inf):
    size = center_size(prior)[..., 2:]
    if coding == "corner_size":
        return prior + offsets * torch.cat([size, size], -1)
    centre = center_size(prior)[..., :2] + offsets[..., :2] * size
    half = size * offsets[..., 2:].clamp(max=limit).exp() / 2
    return torch.cat([centre - half, centre + half], -1)


def focal_of_all(x, t, alpha, gamma):
    p = torch.sigmoid(x)
    right = torch.where(t > 0, p, 1 - p)
    return ((1 - alpha + (2 * alpha - 1) * t) * (1 - right) ** gamma * -torch.log(right)).sum()


def divided(sums, counts, by_image):
    if by_image:
        return sum(s / max(1, n) for s, n in zip(sums, counts)) / len(sums)
    return sum(sums) / max(1, sum(counts))


def multibox(
    offsets, scores, priors, truths, classes, variances=None, *, force="bipartite", threshold=0.5, low=None, background=0, ratio=3.0,
    focal=None, boxes="smooth_l1", beta=1.0, weight=1.0, coding="center_size", limit=math.inf, by_image=False,
):  # fmt: skip
    """Image by image, as in Liu et al. 2016, section 2.2, and Lin et al. 2017, section 4."""
    variances = torch.tensor([0.1, 0.1, 0.2, 0.2] if variances is None else variances, dtype=torch.float64).expand(priors.shape)
    sums, counts = [], []
    for x, s, truth, c in zip(offsets, scores, truths, classes):
        truth, c = truth[c >= 0], c[c >= 0]
        index = matches(priors, truth, force, threshold, threshold if low is None else low)
        own = index >= 0
        if focal:
            target = torch.zeros_like(s)
            target[own, c[index[own]]] = 1
            loss = focal_of_all(s[index > -2], target[index > -2], *focal)
        else:
            target = torch.full_like(index, background)
            target[own] = c[index[own]]
            each = F.cross_entropy(s, target, reduction="none")
            hardest = each[index == -1].sort(descending=True).values
            loss = each[own].sum() + hardest[: math.ceil(ratio * own.sum().item())].sum()
        wanted, prior, v = truth[index[own]], priors[own], variances[own]
        if boxes in ("l1", "smooth_l1"):
            beta = 0 if boxes == "l1" else beta
            places = F.smooth_l1_loss(x[own], encoded(wanted, prior, coding) / v, beta=beta, reduction="sum")
        else:
            places = (1 - overlap(decoded(x[own] * v, prior, coding, limit), wanted, boxes)).sum()
        sums.append(loss + weight * places)
        counts.append(own.sum().item())
    return divided(sums, counts, by_image)


def yolo(found, things, scores, anchors, truths, classes, force="bipartite", threshold=1.0, ignore=0.7, kind="ciou", weights=(1, 1, 1), by_image=False):
    """Redmon and Farhadi 2018, section 2.1, with boxes compared by their overlap."""
    entropy = F.binary_cross_entropy_with_logits
    sums, counts = [], []
    for x, o, s, truth, c in zip(found, things, scores, truths, classes):
        truth, c = truth[c >= 0], c[c >= 0]
        index = matches(anchors, truth, force, threshold, threshold)
        own = index >= 0
        counted = own | (overlap(truth[:, None], x[None]).amax(0) <= ignore)
        places = (1 - overlap(x[own], truth[index[own]], kind)).sum()
        whether = entropy(o[counted], own[counted].double(), reduction="sum")
        what = entropy(s[own], F.one_hot(c[index[own]], s.shape[1]).double(), reduction="sum")
        sums.append(weights[0] * places + weights[1] * whether + weights[2] * what)
        counts.append(own.sum().item())
    return divided(sums, counts, by_image)


def gradient_penalty(penalty):
    """Of the score tanh(x) · sin(0.3 · x)."""

    def loss(x):
        score = torch.tanh(x) * torch.sin(0.3 * x)
        (slope,) = torch.autograd.grad(score.sum(), x, create_graph=True)
        return penalty(slope.norm(dim=1)).mean()

    return loss


def box_iou(kind):
    return lambda a, b: (1 - overlap(a, b, kind)).mean()


FORMULAS = {
    "cross_entropy": F.cross_entropy,
    "cross_entropy smoothed weighted ignored": lambda x, t: cross(x, t, weight=WEIGHTS, label_smoothing=0.1),
    "cross_entropy probabilities": lambda x, t: F.cross_entropy(x, t, label_smoothing=0.2),
    "cross_entropy sample weights": lambda x, t, w: (F.cross_entropy(x, t, reduction="none") * w).sum() / w.sum(),
    "cross_entropy full": lambda x, t: cross(x, t, reduction="sum") / t.numel(),
    "cross_entropy batch": lambda x, t: cross(x, t, reduction="sum") / len(x),
    "cross_entropy sum": lambda x, t: cross(x, t, weight=WEIGHTS, reduction="sum"),
    "cross_entropy valid": lambda x, t: cross(x, t, weight=WEIGHTS, reduction="sum") / (t != 255).sum(),
    "cross_entropy from probabilities": lambda p, t: F.nll_loss(torch.log(p / p.sum(1, keepdim=True)), t),
    "nll": lambda x, t: F.nll_loss(x, t, weight=WEIGHTS, ignore_index=255),
    "multinomial_logistic": lambda p, t: -torch.log(chosen(p, t)).mean(),
    "infogain": infogain,
    "generalized_cross_entropy": lambda x, t: ((1 - chosen(torch.softmax(x, 1), t) ** 0.7) / 0.7).mean(),
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    "binary_cross_entropy positive weight": lambda x, t: F.binary_cross_entropy_with_logits(
        x, t, pos_weight=torch.tensor([1, 2, 0.5, 3, 1.5], dtype=torch.float64)
    ),
    "binary_cross_entropy probabilities": F.binary_cross_entropy,
    "binary_cross_entropy caffe": lambda x, t: (
        F.binary_cross_entropy_with_logits(x, t.double(), reduction="none") * (t != -1)
    ).sum()
    / len(x),
    "multilabel soft margin": F.multilabel_soft_margin_loss,
    "focal sigmoid": focal_sigmoid,
    "focal softmax": focal_softmax,
    "hinge": lambda x, t: torch.clamp(1 - signs(t) * x, min=0).mean(),
    "hinge caffe": caffe_hinge,
    "squared_hinge": lambda x, t: torch.clamp(1 - signs(t) * x, min=0).square().mean(),
    "soft_margin": lambda x, t: F.soft_margin_loss(x, t.double()),
    "categorical_hinge": categorical_hinge,
    "multi_margin": F.multi_margin_loss,
    "multi_margin squared weighted": lambda x, t: F.multi_margin_loss(
        x, t, p=2, margin=0.5, weight=torch.tensor([1, 2, 0.5, 1, 0], dtype=torch.float64)
    ),
    "multilabel_margin": multilabel_margin,
    "margin_ranking": lambda a, b, t: F.margin_ranking_loss(a, b, t, margin=0.3),
    "dice": lambda x, t: dice(torch.softmax(x, 1), onehot(x, t), (2, 3), 1.0).mean(),
    "dice keras": lambda p, t: dice(p, t, (0, 1)),
    "tversky": lambda x, t: tversky(torch.sigmoid(x), t),
    "lovasz": lovasz_softmax,
    "lovasz hinge": lovasz_hinge,
    "mse": F.mse_loss,
    "mse sum": lambda x, t: F.mse_loss(x, t, reduction="sum"),
    "mse weighted full": lambda x, t, w: ((x - t).square() * w.unsqueeze(1)).mean(),
    "mae": F.l1_loss,
    "rmse": lambda x, t: F.mse_loss(x, t).sqrt(),
    "mape": lambda x, t: 100 * ((x - t) / t).abs().mean(),
    "msle": lambda x, t: F.mse_loss(torch.log1p(torch.relu(x)), torch.log1p(torch.relu(t))),
    "euclidean": lambda x, t: (x - t).square().sum() / (2 * len(x)),
    "huber": lambda x, t: F.huber_loss(x, t, delta=0.7),
    "smooth_l1": lambda x, t: F.smooth_l1_loss(x, t, beta=0.7),
    "log_cosh": lambda x, t: torch.log(torch.cosh(x - t)).mean(),
    "quantile": lambda x, t: torch.maximum(0.8 * (t - x), -0.2 * (t - x)).mean(),
    "kl_divergence": lambda p, t: F.kl_div(torch.log(p), t, reduction="batchmean"),
    "kl_divergence log": lambda p, t: F.kl_div(p, t, reduction="batchmean", log_target=True),
    "kl_divergence scores": lambda p, t: F.kl_div(
        torch.log_softmax(p, 2), torch.log_softmax(t, 2), reduction="none", log_target=True
    ).sum(2).mean(),
    "poisson": lambda x, t: F.poisson_nll_loss(x, t, full=True),
    "poisson plain": lambda x, t: F.poisson_nll_loss(x, t, log_input=False),
    "gaussian_nll": lambda x, t, v: F.gaussian_nll_loss(x, t, v, full=True),
    "cosine_similarity": lambda x, t: -F.cosine_similarity(x, t).mean(),
    "cosine_embedding": lambda a, b, t: F.cosine_embedding_loss(a, b, t, margin=-0.2),
    "hinge_embedding": F.hinge_embedding_loss,
    "contrastive": contrastive,
    "contrastive legacy": lambda a, b, t: contrastive(a, b, t, legacy=True),
    "triplet": lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=4),
    "triplet swap": lambda a, p, n: F.triplet_margin_loss(a, p, n, swap=True, margin=4),
    "triplet manhattan": lambda a, p, n: F.triplet_margin_loss(a, p, n, p=1, margin=6),
    "triplet squared": by_triplets(lambda a, b: (a - b).square().sum(1), 16),
    "triplet cosine": by_triplets(lambda a, b: 1 - F.cosine_similarity(a, b), 1.5),
    "info_nce": info_nce,
    "nt_xent": nt_xent,
    "circle": circle,
    "mean": lambda x: -0.5 * x.mean(),
    "ctc": lambda *inputs: ctc(*inputs, reduction="none").mean(),
    "ctc per label, too short": lambda *inputs: ctc(*inputs, zero_infinity=True),
    "gradient_penalty": gradient_penalty(lambda length: (length - 1) ** 2),
    "gradient_penalty one-sided": gradient_penalty(lambda length: (length - 0.2).clamp(min=0) ** 2),
    "gradient_penalty squared": gradient_penalty(lambda length: length**2),
    **{f"box_iou {kind}": box_iou(kind) for kind in ("iou", "giou", "diou", "ciou")},
    "multibox caffe": lambda *i: multibox(*i, ratio=0.5, threshold=0.4, low=0.15, weight=0.7),
    "multibox torchvision ssd": lambda *i: multibox(*i, force="best"),
    "multibox torchvision retinanet": lambda *i: multibox(
        *i, [1.0], focal=(0.25, 2), boxes="l1", force="every_best", low=0.15, by_image=True
    ),
    "multibox giou, variances an input": lambda *i: multibox(
        *i[:5], i[5].tolist(), boxes="giou", background=3, force="none", threshold=0.3, limit=0.1
    ),
    "multibox corner": lambda *i: multibox(*i, focal=(0.6, 0.5), coding="corner", beta=0.2),
    "multibox corner_size, ciou": lambda *i: multibox(*i, [0.1, 0.2, 0.3, 0.4], boxes="ciou", coding="corner_size"),
    "yolo": yolo,
    "yolo, several anchors for a thing": lambda *i: yolo(
        *i, force="best", threshold=0.3, ignore=0.5, kind="giou", weights=(2, 0.5, 0.3), by_image=True
    ),
}  # fmt: skip


NOT_COMPARED = {"expression": "formulas of the user, see test/expression"}


def expected(case):
    inputs = [tensor(given) for given in case["inputs"]]
    for i in case["wrt"]:
        inputs[i].requires_grad_(True)
    extra = {"matrix": case["fields"]["matrix"]} if case["type"] == "infogain" else {}
    loss = FORMULAS[case["name"]](*inputs, **extra)
    gradients = torch.autograd.grad(loss, [inputs[i] for i in case["wrt"]], allow_unused=True)
    filled = [torch.zeros_like(inputs[i]) if g is None else g for i, g in zip(case["wrt"], gradients)]
    return loss.item(), [g.flatten().tolist() for g in filled]


def apart(found, wanted):
    """The largest difference, relative to the largest number."""
    if len(found) != len(wanted):
        return math.inf
    scale = max(1e-6, max(map(abs, wanted), default=1.0))
    return max((abs(a - b) if math.isfinite(a) else math.inf for a, b in zip(found, wanted)), default=0.0) / scale


def differences(run, loss, gradients):
    value = apart([run["loss"] if run["loss"] is not None else math.nan], [loss])
    return value, max((apart(a, b) for a, b in zip(run["gradients"], gradients)), default=0.0)


def main():
    cases, failures, kept = compiled("loss-samples"), 0, {}
    print(f"PyTorch {torch.__version__}, {len(cases)} cases; relative differences of dlc, native float32 and float64 reference")
    print(f"{'loss':27} {'value':>9} {'gradient':>9} {'value 64':>9} {'grad. 64':>9}")
    for case in cases:
        loss, gradients = expected(case)
        # A case in which nothing is at stake would show nothing.
        assert loss != 0 and all(any(g) for g in gradients), case["name"]
        kept[case["name"]] = {"loss": loss, "gradients": gradients}
        native = differences(case["native"], loss, gradients)
        reference = differences(case["reference"], loss, gradients)
        good = native[0] <= VALUE and native[1] <= GRADIENT and max(reference) <= REFERENCE
        failures += not good
        row = " ".join(f"{x:9.1e}" for x in (*native, *reference))
        print(f"{case['type']:27} {row}  {case['name']}{'' if good else '  DIFFERS'}")
    for name, why in NOT_COMPARED.items():
        print(f"{name:27} {'-':>9} {'-':>9} {'-':>9} {'-':>9}  not compared: {why}")
    tested = {case["type"] for case in cases} | set(NOT_COMPARED)
    missing = set(FORMULAS) - {case["name"] for case in cases} | set(compiled("words")["loss"]) - tested
    for name in missing:
        print("no case for", name)
    print(f"{len(cases)} cases of {len({case['type'] for case in cases})} losses, {failures} differ")
    if "--write" in sys.argv[1:]:
        (ROOT / "test" / "losses" / "pytorch.json").write_text(json.dumps(kept, indent=1) + "\n")
    return 1 if failures or missing else 0


sys.exit(main())
