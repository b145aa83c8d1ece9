"""Compares dlc's metrics with formulas of their own, in NumPy and SciPy.

    python3 bench/parity/metrics.py [--write]

Each case holds the tensors of a whole data set and the figure that any batch size has to give. The formulas are the
textbook's, by loops over pairs and thresholds where the compiler sorts or counts. Prints a table and ends with 1 where a
figure of the native programs is off by more than 1e-5 relative, or of the float64 reference by more than 1e-9. `--write`
keeps the numbers in test/metrics/reference.json, for the tests.
"""

import json
import math
import sys

try:
    import numpy as np
    from scipy import stats
except ImportError as error:
    print(f"skipped: metrics need numpy and scipy ({error})")
    sys.exit(0)

from compiled import ROOT, compiled

NATIVE, REFERENCE = 1e-5, 1e-9

rng = np.random.default_rng(7)
CASES = []
TENSORS = []


def tensor(values, dtype="float32"):
    array = np.asarray(values)
    flat = array.reshape(-1)
    TENSORS.append({"shape": list(array.shape), "dtype": dtype,
                    "values": [float(str(np.float32(v))) if dtype == "float32" else int(v) for v in flat]})
    return len(TENSORS) - 1


def case(type_, inputs, expected, name="", **fields):
    CASES.append({"name": name, "type": type_, "fields": fields, "inputs": inputs, "expected": float(expected)})


def f32(x):
    return np.asarray(x, dtype=np.float32).astype(np.float64)


# Decisions of several classes; class 4 never occurs, class 3 is never decided on.
C, N = 6, 23
scores = f32(rng.normal(size=(N, C)))
scores[:, 3] -= 9
labels = rng.choice([0, 1, 2, 3, 5], size=N)
scores[:, 4] -= 9
scores = f32(scores)
decided = scores.argmax(1)
S, L = tensor(scores), tensor(labels, "int32")
tp = np.array([np.sum((decided == c) & (labels == c)) for c in range(C)], float)
fp = np.array([np.sum((decided == c) & (labels != c)) for c in range(C)], float)
fn = np.array([np.sum((decided != c) & (labels == c)) for c in range(C)], float)
tn = N - tp - fp - fn
present = (tp + fp + fn) > 0


def ratio(a, b):
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def averages(type_, part, whole, **fields):
    each = ratio(part, whole)
    case(type_, [S, L], each[present].mean(), **fields)
    case(type_, [S, L], np.sum(each * (tp + fn)) / N, average="weighted", **fields)
    case(type_, [S, L], part.sum() / whole.sum(), average="micro", **fields)
    case(type_, [S, L], each[2], **{"class": 2}, **fields)


averages("precision", tp, tp + fp)
averages("recall", tp, tp + fn)
averages("specificity", tn, tn + fp)
averages("f1", 2 * tp, 2 * tp + fp + fn)
averages("f_beta", 5 * tp, 5 * tp + 4 * fn + fp, beta=2)
averages("mean_iou", tp, tp + fp + fn)
averages("dice", 2 * tp, 2 * tp + fp + fn)
case("iou", [S, L], ratio(tp, tp + fp + fn)[1], **{"class": 1})
case("accuracy", [S, L], np.mean(decided == labels))
case("confusion_matrix", [S, L], np.mean(decided == labels))
case("balanced_accuracy", [S, L], np.mean([np.mean(decided[labels == c] == c) for c in set(labels)]))
pe = sum(np.mean(decided == c) * np.mean(labels == c) for c in range(C))
case("cohen_kappa", [S, L], (np.mean(decided == labels) - pe) / (1 - pe))
onehot = lambda x: np.eye(C)[x]
cov = lambda a, b: np.mean(np.sum((a - a.mean(0)) * (b - b.mean(0)), 1))
case("matthews", [S, L], cov(onehot(decided), onehot(labels)) /
     math.sqrt(cov(onehot(decided), onehot(decided)) * cov(onehot(labels), onehot(labels))))
for key, value in [("true_positives", tp), ("false_positives", fp), ("true_negatives", tn), ("false_negatives", fn)]:
    case(key, [S, L], value.sum())
    case(key, [S, L], value[5], **{"class": 5})
top = np.argsort(-scores, axis=1, kind="stable")[:, :3]
case("top_k", [S, L], np.mean([labels[i] in top[i] for i in range(N)]), k=3)

# Yes or no, with ties and with labels to ignore.
p = np.round(f32(rng.uniform(size=29)), 1)
y = (rng.uniform(size=29) < 0.3 + 0.5 * p).astype(int)
P, Y = tensor(p), tensor(y, "int32")
p = f32(p)
yes = p > np.float32(0.4)
btp, bfp, bfn, btn = [float(np.sum(m)) for m in (yes & (y == 1), yes & (y == 0), ~yes & (y == 1), ~yes & (y == 0))]
case("accuracy", [P, Y], (btp + btn) / 29, threshold=0.4)
case("precision", [P, Y], btp / (btp + bfp), threshold=0.4)
case("recall", [P, Y], btp / (btp + bfn), threshold=0.4)
case("iou", [P, Y], btp / (btp + bfp + bfn), threshold=0.4)
case("balanced_accuracy", [P, Y], (btp / (btp + bfn) + btn / (btn + bfp)) / 2, threshold=0.4)
case("matthews", [P, Y], np.corrcoef(yes, y)[0, 1], threshold=0.4)
be = ((btp + bfp) * (btp + bfn) + (bfn + btn) * (bfp + btn)) / 29**2
case("cohen_kappa", [P, Y], ((btp + btn) / 29 - be) / (1 - be), threshold=0.4)


def auc(score, label):
    pairs = [(a > b) + 0.5 * (a == b) for a in score[label == 1] for b in score[label == 0]]
    return np.mean(pairs)


def points(score, label):
    for t in sorted(set(score), reverse=True):
        above = score >= t
        hit, miss = np.sum(above & (label == 1)), np.sum(above & (label == 0))
        yield hit / np.sum(label == 1), 1 - miss / np.sum(label == 0), hit / (hit + miss)


def ap(score, label):
    total, before = 0.0, 0.0
    for recall, _, precision in points(score, label):
        total += (recall - before) * precision
        before = recall
    return total


def pr_area(score, label):
    curve = [(0.0, 1.0)] + [(r, q) for r, _, q in points(score, label)]
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in zip(curve, curve[1:]))


case("auc", [P, Y], auc(p, y), "ties")
case("auc", [P, Y], pr_area(p, y), curve="pr")
case("average_precision", [P, Y], ap(p, y), "ties")
ignored = np.where(np.arange(29) % 5 == 0, -1, y)
kept = ignored >= 0
case("auc", [P, tensor(ignored, "int32")], auc(p[kept], y[kept]), "some ignored", ignore_index=-1)
case("sensitivity_at_specificity", [P, Y], max([r for r, s, _ in points(p, y) if s >= 0.7] + [0]), specificity=0.7)
case("specificity_at_sensitivity", [P, Y], max(s for r, s, _ in points(p, y) if r >= 0.7), sensitivity=0.7)
case("precision_at_recall", [P, Y], max(q for r, _, q in points(p, y) if r >= 0.5), recall=0.5)
case("recall_at_precision", [P, Y], max([r for r, _, q in points(p, y) if q >= 0.75] + [0]), precision=0.75)
seen = sorted(set(labels))
one = {c: (labels == c).astype(int) for c in range(C)}
case("auc", [S, L], np.mean([auc(scores[:, c], one[c]) for c in seen]), "one against the rest")
case("auc", [S, L], auc(scores[:, 1], one[1]), **{"class": 1})
case("auc", [S, L], sum(auc(scores[:, c], one[c]) * np.mean(labels == c) for c in seen), average="weighted")
case("auc", [S, L], auc(scores.reshape(-1), onehot(labels).reshape(-1)), average="micro")
case("average_precision", [S, L], np.mean([ap(scores[:, c], one[c]) for c in seen]), "one against the rest")
multi = (rng.uniform(size=(N, C)) < 0.4).astype(int)
case("auc", [S, tensor(multi, "int32")], np.mean([auc(scores[:, c], multi[:, c]) for c in range(C)]), "multi-label")
case("accuracy", [S, tensor(multi, "int32")], np.mean((scores > 0) == multi), "multi-label", threshold=0)

# Probabilities.
soft = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
conf, right = soft.max(1), decided == labels
ece = 0.0
for b in range(10):
    inside = (conf > b / 10) & (conf <= (b + 1) / 10)
    if inside.any():
        ece += inside.mean() * abs(right[inside].mean() - conf[inside].mean())
case("expected_calibration_error", [S, L], ece, bins=10)
case("brier", [S, L], np.mean(np.sum((soft - onehot(labels)) ** 2, 1)))
case("brier", [P, Y], np.mean((p - y) ** 2), from_logits=False)
nll = -np.log(soft[np.arange(N), labels])
case("cross_entropy", [S, L], nll.mean())
tokens = f32(rng.normal(size=(9, 5, 4)))
words = rng.integers(-1, 4, size=(9, 5))
lp = tokens - np.log(np.exp(tokens).sum(-1, keepdims=True))
each = [-lp[i, t, words[i, t]] for i in range(9) for t in range(5) if words[i, t] >= 0]
case("perplexity", [tensor(tokens), tensor(words, "int32")], math.exp(np.mean(each)), axis=-1, ignore_index=-1)

# Numbers: far from zero, where sums of squares would lose their digits.
t = f32(rng.normal(size=(17, 3)) + 1000)
x = f32(t + 0.3 * rng.normal(size=(17, 3)))
X, T = tensor(x), tensor(t)
columns = range(3)
case("r2", [X, T], np.mean([1 - np.sum((t[:, i] - x[:, i]) ** 2) / np.sum((t[:, i] - t[:, i].mean()) ** 2)
                            for i in columns]))
case("pearson", [X, T], np.mean([stats.pearsonr(x[:, i], t[:, i])[0] for i in columns]))
case("pearson", [X, T], stats.pearsonr(x.reshape(-1), t.reshape(-1))[0], per_output=False)
rx, rt = np.round(x), np.round(t)
case("spearman", [tensor(rx), tensor(rt)], np.mean([stats.spearmanr(rx[:, i], rt[:, i])[0] for i in columns]), "ties")
case("concordance", [X, T], np.mean([
    2 * np.cov(x[:, i], t[:, i], bias=True)[0, 1] /
    (x[:, i].var() + t[:, i].var() + (x[:, i].mean() - t[:, i].mean()) ** 2) for i in columns]))
case("mse", [X, T], np.mean((x - t) ** 2))
case("rmse", [X, T], math.sqrt(np.mean((x - t) ** 2)))
case("mae", [X, T], np.mean(np.abs(x - t)))
case("mape", [X, T], 100 * np.mean(np.abs((x - t) / t)))
a, b = f32(rng.normal(size=(9, 4))), f32(rng.normal(size=(9, 4)))
case("cosine_similarity", [tensor(a), tensor(b)],
     np.mean(np.sum(a * b, 1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)))
case("log_cosh", [tensor(a), tensor(b)], np.mean(np.log(np.cosh(a - b))))
case("mean", [tensor(a)], a.mean())
case("sum", [tensor(a)], a.sum())


# Sequences.
def distance(u, v):
    if not u or not v:
        return len(u) + len(v)
    return min(distance(u[1:], v) + 1, distance(u, v[1:]) + 1, distance(u[1:], v[1:]) + (u[0] != v[0]))


def split(tokens_, space):
    return [w for w in "".join(chr(97 + k) if k != space else " " for k in tokens_).split(" ") if w]


frames = rng.integers(0, 4, size=(7, 6))
targets = rng.integers(1, 4, size=(7, 4))
lengths = rng.integers(1, 7, size=7)
counts = rng.integers(0, 5, size=7)


def collapse(row):
    kept_, last = [], None
    for k in row:
        if k != last and k != 0:
            kept_.append(int(k))
        last = k
    return kept_


pairs = [(collapse(frames[i, : lengths[i]]), [int(k) for k in targets[i, : counts[i]]]) for i in range(7)]
sequences = [tensor(frames, "int32"), tensor(targets, "int32"), tensor(lengths, "int32"), tensor(counts, "int32")]
case("character_error_rate", sequences, sum(distance(u, v) for u, v in pairs) / sum(len(v) for _, v in pairs),
     decode="ctc")
plain = [([int(k) for k in frames[i, : lengths[i]]], v) for i, (_, v) in enumerate(pairs)]
case("character_error_rate", sequences, sum(distance(u, v) for u, v in plain) / sum(len(v) for _, v in plain))
spaced = [(split(u, 2), split(v, 2)) for u, v in plain]
case("word_error_rate", sequences, sum(distance(u, v) for u, v in spaced) / sum(len(v) for _, v in spaced), space=2)


# Boxes.
def iou(u, v):
    w = min(u[2], v[2]) - max(u[0], v[0])
    h = min(u[3], v[3]) - max(u[1], v[1])
    if w <= 0 or h <= 0:
        return 0.0
    area = lambda q: (q[2] - q[0]) * (q[3] - q[1])
    return w * h / (area(u) + area(v) - w * h)


IMAGES, G, D = 8, 4, 7
truth = f32(rng.uniform(0, 0.6, size=(IMAGES, G, 4)))
truth[..., 2:] = f32(truth[..., :2] + rng.uniform(0.2, 0.4, size=(IMAGES, G, 2)))
kinds = rng.integers(-1, 3, size=(IMAGES, G))
hard = (rng.uniform(size=(IMAGES, G)) < 0.2).astype(int)
boxes = f32(rng.uniform(0, 0.6, size=(IMAGES, D, 4)))
boxes[..., 2:] = f32(boxes[..., :2] + rng.uniform(0.2, 0.4, size=(IMAGES, D, 2)))
found = rng.integers(-1, 4, size=(IMAGES, D))
for i in range(IMAGES):
    for k in range(5):  # most detections are near a true box, some of them twice
        g = rng.integers(0, G)
        boxes[i, k] = f32(truth[i, g] + rng.normal(scale=0.03, size=4))
        found[i, k] = kinds[i, g]
confidence = f32(rng.uniform(size=(IMAGES, D)))
BOXES = [tensor(boxes), tensor(confidence), tensor(found, "int32"), tensor(truth), tensor(kinds, "int32")]


def precisions(label, least, coco, difficult):
    order = sorted(((confidence[i, k], i, k) for i in range(IMAGES) for k in range(D) if found[i, k] == label),
                   key=lambda e: -e[0])
    used, marks = set(), []
    for _, i, k in order:
        options = [(iou(boxes[i, k], truth[i, g]), g) for g in range(G) if kinds[i, g] == label]
        if coco:
            options = [o for o in options if (i, o[1]) not in used]
        best = max(options, default=(0.0, -1))
        if best[0] < least:
            marks.append(0)
        elif not coco and difficult[i, best[1]]:
            continue
        else:
            marks.append(int((i, best[1]) not in used))
            used.add((i, best[1]))
    wanted = sum(1 for i in range(IMAGES) for g in range(G) if kinds[i, g] == label and not (difficult[i, g] and not coco))
    hits = np.cumsum(marks)
    return hits / wanted, hits / np.arange(1, len(marks) + 1)


def area(recall, precision, grid):
    if grid is None:
        levels = sorted(set(recall))
        return sum((r - (levels[j - 1] if j else 0)) * max(precision[recall >= r]) for j, r in enumerate(levels))
    return np.mean([max(precision[recall >= r - 1e-12], default=0.0) for r in grid])


def mean_ap(leasts, grid, coco, difficult):
    return np.mean([area(*precisions(c, least, coco, difficult), grid) for c in range(3) for least in leasts])


none = np.zeros_like(hard)
coco = np.linspace(0, 1, 101)
case("mean_average_precision", BOXES, mean_ap(np.arange(50, 100, 5) / 100, coco, True, none), "coco")
case("mean_average_precision", BOXES, mean_ap([0.5], None, False, none), "voc", rules="voc")
case("mean_average_precision", BOXES, mean_ap([0.5], np.linspace(0, 1, 11), False, none), "voc07", rules="voc07")
case("mean_average_precision", BOXES + [tensor(hard, "int32")], mean_ap([0.4], None, False, hard), "difficult",
     rules="voc", overlap=0.4)


# Losses as metrics.
X, T = tensor(a), tensor(b)
e = a - b
case("huber", [X, T], np.mean(np.where(np.abs(e) <= 0.7, e**2 / 2, 0.7 * (np.abs(e) - 0.35))), delta=0.7)
case("quantile", [X, T], np.mean(np.where(e < 0, -0.8 * e, 0.2 * e)), tau=0.8)
case("msle", [X, T], np.mean((np.log1p(np.maximum(a, 0)) - np.log1p(np.maximum(b, 0))) ** 2))
times = rng.integers(0, 5, size=(9, 4)).astype(float)
spread = f32(rng.uniform(0.3, 2, size=(9, 4)))
case("poisson", [X, tensor(times)], np.mean(np.exp(a) - times * a))
case("gaussian_nll", [X, T, tensor(spread)], np.mean(np.log(spread) + e**2 / spread) / 2)
classes = rng.integers(0, 4, size=9)
own = np.eye(4)[classes]
hits = tensor(own, "int32")
case("binary_cross_entropy", [X, hits], np.mean(np.log1p(np.exp(a)) - own * a))
case("hinge", [X, hits], np.mean(np.maximum(0, 1 - (2 * own - 1) * a)))
case("squared_hinge", [X, hits], np.mean(np.maximum(0, 1 - (2 * own - 1) * a) ** 2))
case("categorical_hinge", [X, tensor(classes, "int32")],
     np.mean([max(0, 1 + max((1 - own[i]) * a[i]) - a[i, classes[i]]) for i in range(9)]))
shares = f32(rng.dirichlet(np.ones(4), size=9))
wanted = f32(rng.dirichlet(np.ones(4), size=9))
case("kl_divergence", [tensor(shares), tensor(wanted)], np.mean(np.sum(wanted * np.log(wanted / shares), 1)))


def written():
    lines = lambda items: ",\n".join(f"    {json.dumps(item)}" for item in items)
    return f'{{\n  "tensors": [\n{lines(TENSORS)}\n  ],\n  "cases": [\n{lines(CASES)}\n  ]\n}}\n'


def main():
    if "--write" in sys.argv[1:]:
        ROOT.joinpath("test/metrics/reference.json").write_text(written())
    given = [{**one, "inputs": [TENSORS[i] for i in one["inputs"]]} for one in CASES]
    failures = 0
    print(f"{'metric':27} {'native':>9} {'reference':>9}")
    for one, found in zip(CASES, compiled("metrics-run", given), strict=True):
        apart = [
            abs((math.nan if found[key] is None else found[key]) - one["expected"]) / max(1, abs(one["expected"]))
            for key in ("native", "reference")
        ]
        good = apart[0] <= NATIVE and apart[1] <= REFERENCE
        failures += not good
        row = " ".join(f"{x:9.1e}" for x in apart)
        print(f"{one['type']:27} {row}  {one['name']} {json.dumps(one['fields'])}{'' if good else '  DIFFERS'}")
    print(f"{'expression':27} {'-':>9} {'-':>9}  not compared: formulas of the user, see test/expression")
    missing = set(compiled("words")["metric"]) - {one["type"] for one in CASES} - {"expression"}
    for name in missing:
        print("no case for", name)
    print(f"{len(CASES)} cases of {len({one['type'] for one in CASES})} metrics, {failures} differ")
    return 1 if failures or missing else 0


sys.exit(main())
