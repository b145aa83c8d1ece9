"""Boxes: torchvision's operations and Caffe's, written out with PyTorch."""

import math

import torch

from .formula import each, formula


def cells_of(c, features, image, step):
    """Centres [h · w, 1, 2] in pixels, as (x, y), and the size of the image."""
    extents = torch.tensor(image.shape[2:]).double()
    counts = torch.tensor(features.shape[2:])
    steps = extents / counts if step is None else torch.tensor(each(step, 2), dtype=torch.float64)
    rows, columns = ((torch.arange(n) + c["offset"]) * s for n, s in zip(counts.tolist(), steps))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 1, 2), extents.flip(0), steps.flip(0)


def around(centres, sides, size, clip):
    """Boxes of `sides` [K, 4] in pixels around each centre, in parts of the image."""
    boxes = (centres.repeat(1, 1, 2) + sides).reshape(-1, 4) / size.repeat(2)
    return boxes.clamp(0, 1) if clip else boxes


def middles(shapes):
    half = torch.tensor(shapes, dtype=torch.float64).reshape(-1, 2) / 2
    return torch.cat([-half, half], 1)


@formula("prior_boxes", against="torch.meshgrid (Caffe's PriorBox)")
def prior_boxes(c, _, features, image):
    centres, size, _ = cells_of(c, features, image, c["step"])
    shapes = []
    for i, small in enumerate(c["min_sizes"]):
        shapes.append((small, small))
        if c["max_sizes"]:
            shapes.append([math.sqrt(small * c["max_sizes"][i])] * 2)
        for ratio in c["aspect_ratios"] or []:
            root = math.sqrt(ratio)
            shapes.append((small * root, small / root))
            if c["flip"] is not False:
                shapes.append((small / root, small * root))
    boxes = around(centres, middles(shapes), size, c["clip"])
    return boxes, torch.tensor(each(c["variances"], 4), dtype=torch.float64).expand(len(boxes), 4)


@formula("anchors", against="torch.meshgrid (torchvision's AnchorGenerator)")
def anchors(c, _, features, image):
    centres, size, steps = cells_of(c, features, image, c["stride"])
    shapes = c["boxes"] or [
        (s * scale / math.sqrt(ratio), s * scale * math.sqrt(ratio))
        for ratio in c["ratios"] or [1]
        for s in c["sizes"]
        for scale in c["scales"] or [1]
    ]
    sides = middles(shapes)
    boxes = around(centres, sides.round() if c["round"] else sides, size, c["clip"])
    low = torch.cat([torch.zeros(2), torch.ones(2)]).double()
    corners = centres - c["offset"] * steps
    cells = ((corners.repeat(1, 1, 2) + low * steps.repeat(2)) / size.repeat(2)).expand(-1, len(sides), -1)
    return boxes, cells.reshape(-1, 4)


def centred(boxes):
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) / 2, high - low


def variances_of(c, given):
    if given is not None:
        return given
    value = [0.1, 0.1, 0.2, 0.2] if c["variances"] is None else c["variances"]
    return torch.tensor(each(value, 4), dtype=torch.float64)


def encoded(c, boxes, priors, variances):
    (middle, size), (own_middle, own_size) = centred(boxes), centred(priors)
    if c["coding"] == "center_size":
        return torch.cat([(middle - own_middle) / own_size, (size / own_size).log()], -1) / variances
    difference = boxes - priors
    return (difference / own_size.tile(2) if c["coding"] == "corner_size" else difference) / variances


@formula("encode_boxes", against="torchvision's BoxCoder; Caffe's codes")
def encode_boxes(c, _, boxes, priors, variances=None):
    return encoded(c, boxes, priors, variances_of(c, variances))


@formula("decode_boxes", against="torchvision's BoxCoder; Caffe's codes, YOLO's")
def decode_boxes(c, _, offsets, priors, third=None):
    middle, size = centred(priors)
    limit = math.log(1000 / 16) if c["limit"] is None else c["limit"]
    if c["coding"] == "yolo":
        corner, extent = third[..., :2], third[..., 2:] - third[..., :2]
        middle = corner + offsets[..., :2].sigmoid() * extent
        half = size * offsets[..., 2:].clamp(max=limit).exp() / 2
        y = torch.cat([middle - half, middle + half], -1)
    elif c["coding"] == "center_size":
        moved = offsets * variances_of(c, third)
        middle = middle + moved[..., :2] * size
        half = size * moved[..., 2:].clamp(max=limit).exp() / 2
        y = torch.cat([middle - half, middle + half], -1)
    else:
        moved = offsets * variances_of(c, third)
        y = priors + (moved * size.tile(2) if c["coding"] == "corner_size" else moved)
    return y.clamp(0, 1) if c["clip"] else y


def area(boxes):
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def overlap(a, b, kind="iou"):
    """As torchvision's box_iou, generalized_, distance_ and complete_box_iou, of boxes that broadcast."""
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    union = (area(a) + area(b) - inner).clamp(min=1e-18)
    iou = inner / union
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    if kind == "iou":
        return iou
    if kind == "giou":
        whole = hull.prod(-1)
        return iou - (whole - union) / whole
    (p, p_size), (q, q_size) = centred(a), centred(b)
    diou = iou - (p - q).square().sum(-1) / hull.square().sum(-1)
    if kind == "diou":
        return diou
    angles = [torch.atan(size[..., 0] / size[..., 1]) for size in (p_size, q_size)]
    v = 4 / math.pi**2 * (angles[0] - angles[1]) ** 2
    return diou - (v / (1 - iou + v)).detach() * v


@formula("box_iou", against="torchvision's box_iou and its relatives")
def box_iou(c, _, a, b):
    return overlap(a.unsqueeze(-2), b.unsqueeze(-3), c["kind"]) if c["pairwise"] else overlap(a, b, c["kind"])


def matched(c, table, real):
    """The true box of each prior, −1 or −2, from overlaps [P, G] of one sample."""
    threshold = c["threshold"]
    low = threshold if c["low_threshold"] is None else c["low_threshold"]
    table = table.masked_fill(~real, -1)
    best, index = table.max(1)
    best = best.clamp(min=0)
    result = torch.where(best >= threshold, index, torch.where(best < low, -1, -2))
    if c["force"] == "bipartite":
        left = table.clone()
        for _ in range(int(real.sum())):
            place = left.argmax()
            if left.flatten()[place] <= 0:
                break
            prior, truth = divmod(place.item(), left.shape[1])
            result[prior] = truth
            left[prior], left[:, truth] = -1, -1
    elif c["force"] == "best":
        for truth in real.nonzero().flatten().tolist():
            if table[:, truth].max() > 0:
                result[table[:, truth].argmax()] = truth
    elif c["force"] == "every_best":
        tops = table.amax(0)
        forced = ((table == tops) & (tops > 0) & real).any(1)
        result = torch.where(forced, index, result)
    return result, best


@formula("match_boxes", against="Caffe's MatchBBox, torchvision's Matcher")
def match_boxes(c, _, priors, boxes, classes, variances=None):
    boxes, priors = boxes.detach(), priors.detach()
    every = [matched(c, overlap(priors.unsqueeze(1), own), label >= 0) for own, label in zip(boxes, classes)]
    index, best = (torch.stack(parts) for parts in zip(*every))
    held = index.clamp(min=0)
    labels = torch.where(index >= 0, classes.gather(1, held), torch.where(index == -2, -2 if c["undecided"] is None else c["undecided"], c["background"]))
    own = boxes.gather(1, held.unsqueeze(2).expand(-1, -1, 4))
    written = own if c["coding"] == "none" else encoded(c, own, priors, variances_of(c, variances))
    return index, labels, torch.where((index >= 0).unsqueeze(2), written, 0), best


def kept(c, boxes, scores, background):
    """(score, class, box) of one sample, the best first, by the definition of greedy suppression."""
    chosen = []
    for label in range(scores.shape[1]):
        if label == background:
            continue
        own = [(scores[i, label].item(), label, i) for i in range(len(boxes)) if scores[i, label] > c["score_threshold"]]
        chosen.append(sorted(own, key=lambda one: (-one[0], one[2]))[: c["top_k"]])
    ordered = sorted((one for own in chosen for one in own), key=lambda one: (-one[0], one[1], one[2]))
    result = []
    for score, label, i in ordered:
        rivals = [j for _, other, j in result if c["joint"] or other == label]
        if all(overlap(boxes[i], boxes[j]) <= c["iou_threshold"] for j in rivals):
            result.append((score, label, i))
    return result[: c["keep"]]


def suppressed(c, boxes, scores, background):
    found = [kept(c, one.detach(), own.detach(), background) for one, own in zip(boxes, scores)]
    places, labels = (torch.full((len(boxes), c["keep"]), -1) for _ in range(2))
    for n, rows in enumerate(found):
        for k, (_, label, i) in enumerate(rows):
            places[n, k], labels[n, k] = i, label
    real = places >= 0
    batch = torch.arange(len(boxes)).unsqueeze(1)
    taken = torch.where(real.unsqueeze(2), boxes[batch, places.clamp(min=0)], 0)
    values = torch.where(real, scores[batch, places.clamp(min=0), labels.clamp(min=0)], 0)
    return taken, values, labels, real.sum(1), places


@formula("non_max_suppression", against="torchvision's batched_nms, greedy, written out")
def non_max_suppression(c, _, boxes, scores):
    return suppressed(c, boxes, scores, c["background"])


@formula("detection_output", against="F.softmax, decode_boxes and greedy suppression (Caffe's DetectionOutput)")
def detection_output(c, _, offsets, scores, priors=None, variances=None):
    scores = {"softmax": lambda: scores.softmax(2), "sigmoid": scores.sigmoid, "probabilities": lambda: scores * 1}[c["scores"]]()
    boxes = offsets if c["coding"] == "none" else decode_boxes(c, _, offsets, priors, variances)
    taken, values, labels, count, _ = suppressed(c, boxes, scores, c["background"])
    return torch.cat([labels.double().unsqueeze(2), values.unsqueeze(2), taken], 2), count


def reading(n, start, extent, bins, samples):
    """[bins, n]: the mean of bilinear readings at the points of each bin along one axis."""
    rows = torch.zeros(bins, n, dtype=torch.float64)
    count = samples or max(1, math.ceil(extent / bins))
    for i in range(bins):
        for k in range(count):
            at = start + (i + (k + 0.5) / count) * extent / bins
            if at < -1 or at > n:
                continue
            at = min(max(at, 0), n - 1)
            low = min(math.floor(at), n - 1)
            high = min(low + 1, n - 1)
            rows[i, low] += (1 - (at - low)) / count
            rows[i, high] += (at - low) / count
    return rows


@formula("roi_align", against="torchvision's roi_align, written out")
def roi_align(c, _, features, regions):
    height, width = features.shape[2:]
    high, wide = each(c["size"], 2)
    shift = 0.5 if c["aligned"] else 0
    least = 0 if c["aligned"] else 1
    samples = []
    for image, own in zip(features, regions.detach()):
        cuts = []
        for x1, y1, x2, y2 in (own * torch.tensor([width, height] * 2)).tolist():
            down = reading(height, y1 - shift, max(y2 - y1, least), high, c["sampling_ratio"])
            across = reading(width, x1 - shift, max(x2 - x1, least), wide, c["sampling_ratio"])
            cuts.append(down @ image @ across.T)
        samples.append(torch.stack(cuts))
    return torch.stack(samples)
