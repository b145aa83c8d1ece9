"""Augmentations: what they leave alone outside of training, and in training what does not depend on draws or shows them."""

import torch
import torch.nn.functional as F

from .formula import Drawn, each, formula

GRAY = torch.tensor([0.2989, 0.587, 0.114], dtype=torch.float64).reshape(1, 3, 1, 1)


def with_mask(y, mask):
    """The second output: the labels, or ones where the image is."""
    if mask is None:
        mask = torch.ones(len(y), 1, *y.shape[2:], dtype=torch.float64)
    return y, mask


@formula("random_flip", against="torch.flip, under dlc's own draws", draws=True)
def random_flip(c, _, x, mask=None):
    if not c.trains:
        return with_mask(x * 1, mask)
    samples, masks = [], []
    for n, seen in enumerate(c.found[0]):
        ways = [[], *([[2]] if c["horizontal"] else []), *([[1]] if c["vertical"] else []), *([[1, 2]] if c["horizontal"] and c["vertical"] else [])]
        if c["probability"] == 1:
            ways = ways[-1:]
        axes = next(axes for axes in ways if (x[n].flip(axes) - seen).abs().max() < 1e-6)
        samples.append(x[n].flip(axes))
        masks.append(None if mask is None else mask[n].flip([axis - 1 for axis in axes]))
    return with_mask(torch.stack(samples), None if mask is None else torch.stack(masks))


def cut(x, mask, c):
    height, width = each(c["size"], 2)
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    rows, columns = slice(top, top + height), slice(left, left + width)
    return with_mask(x[:, :, rows, columns], None if mask is None else mask[..., rows, columns])


@formula("random_crop", against="torch.narrow of the middle (training draws)")
def random_crop(c, _, x, mask=None):
    return cut(x, mask, c)


@formula("random_resized_crop", against="F.interpolate (training draws)")
def random_resized_crop(c, _, x, mask=None):
    size = each(c["size"], 2)
    nearest = {"size": size, "mode": "nearest-exact"}
    y = F.interpolate(x, **nearest) if c["method"] == "nearest" else F.interpolate(x, size=size, mode="bilinear")
    return with_mask(y, None if mask is None else F.interpolate(mask.double().unsqueeze(1), **nearest).squeeze(1).long())


@formula("rand_augment", against="identity (training draws)")
def unchanged(c, _, x):
    return x * 1


def held(c, y):
    return y if c["value_range"] == "none" else y.clamp(*c["value_range"])


def factor_of(c, one, other):
    """What each sample was mixed by: found = factor · one + (1 − factor) · other, where nothing was held within the range."""
    if c["value_range"] != "none":
        raise Drawn
    span = (one - other).detach()
    factor = ((c.found[0] - other) * span).sum((1, 2, 3), keepdim=True) / span.square().sum((1, 2, 3), keepdim=True)
    return factor.detach()


def range_of(c, field):
    given = c[field]
    return given if isinstance(given, list) else [max(0, 1 - given), 1 + given]


def drawn_from_one(c, field, alone=0.0):
    """The number itself where the field's range holds no other."""
    given = c[field]
    low, high = given if isinstance(given, list) else [-given, given] if given else [alone, alone]
    if low != high:
        raise Drawn
    return low


def mixed(c, one, other):
    factor = factor_of(c, one.detach(), other.detach())
    low, high = range_of(c, "factor")
    assert ((factor > low - 1e-5) & (factor < high + 1e-5)).all(), f"factors {factor.flatten().tolist()}"
    return factor * one + (1 - factor) * other


def gray(x):
    return (x * GRAY).sum(1, keepdim=True)


@formula("random_brightness", against="torchvision's adjust_brightness, under dlc's own draws", draws=True)
def random_brightness(c, _, x):
    if not c.trains:
        return x * 1
    if c["mode"] == "add":
        raise Drawn
    return mixed(c, x, torch.zeros_like(x))


@formula("random_contrast", against="torchvision's adjust_contrast, under dlc's own draws", draws=True)
def random_contrast(c, _, x):
    if not c.trains:
        return x * 1
    mean = gray(x).mean((1, 2, 3), keepdim=True) if c["mean"] == "gray" else x.mean((2, 3), keepdim=True)
    return mixed(c, x, mean)


@formula("random_saturation", against="torchvision's adjust_saturation, under dlc's own draws", draws=True)
def random_saturation(c, _, x):
    return mixed(c, x, gray(x)) if c.trains else x * 1


def hued(x, turn):
    """torchvision's adjust_hue: to hue, saturation and value, and back."""
    red, green, blue = x.unbind(1)
    most, least = x.amax(1), x.amin(1)
    span = most - least
    part = torch.where(span > 0, span, 1)
    sector = torch.where(most == red, (green - blue) / part, torch.where(most == green, 2 + (blue - red) / part, 4 + (red - green) / part))
    hue = (sector / 6 + 1 + turn) % 1
    places = torch.stack([(n + hue * 6) % 6 for n in (5, 3, 1)], 1)
    return most.unsqueeze(1) - span.unsqueeze(1) * torch.minimum(places, 4 - places).clamp(0, 1)


@formula("random_hue", against="torchvision's adjust_hue, of a fixed turn (other training draws)", draws=True)
def random_hue(c, _, x):
    if not c.trains:
        return x * 1
    turn = drawn_from_one(c, "factor")
    return chosen(c, x, hued(x, turn)) if c["probability"] < 1 else hued(x, turn)


@formula("color_jitter", against="torchvision's ColorJitter, of fixed factors (other training draws)", draws=True)
def color_jitter(c, _, x):
    if not c.trains:
        return x * 1
    brightness, contrast, saturation = (drawn_from_one(c, name, 1) for name in ("brightness", "contrast", "saturation"))
    turn = drawn_from_one(c, "hue")
    y = held(c, brightness * x)
    y = held(c, contrast * y + (1 - contrast) * gray(y).mean((1, 2, 3), keepdim=True))
    y = held(c, saturation * y + (1 - saturation) * gray(y))
    return hued(y, turn) if turn else y


def chosen(c, x, changed):
    """Each sample is changed or not, as its output shows."""
    if not c.trains:
        return x * 1
    distance = (c.found[0] - changed).detach().abs().amax((1, 2, 3), keepdim=True)
    own = distance < 1e-5
    assert c["probability"] < 1 or own.all(), "a sample is not changed that should be"
    return torch.where(own, changed, x)


@formula("random_sharpness", against="torchvision's adjust_sharpness, under dlc's own draws", draws=True)
def random_sharpness(c, _, x):
    if not c.trains:
        return x * 1
    if c["probability"] < 1:
        raise Drawn
    kernel = torch.ones(3, 3)
    kernel[1, 1] = 5
    smooth = x.clone()
    smooth[:, :, 1:-1, 1:-1] = F.conv2d(x, (kernel / 13).expand(x.shape[1], 1, 3, 3), groups=x.shape[1])
    return mixed(c, x, smooth)


@formula("random_erasing", "cutout", against="masked_fill, under dlc's own draws", draws=True)
def erased(c, _, x):
    if not c.trains:
        return x * 1
    if c["fill"] == "noise":
        raise Drawn
    holes = ((c.found[0] - x).detach().abs() > 1e-6).any(1, keepdim=True)
    return x.masked_fill(holes, c["value"] or 0)


@formula("random_grayscale", against="torchvision's rgb_to_grayscale, under dlc's own draws", draws=True)
def random_grayscale(c, _, x):
    return chosen(c, x, gray(x).expand_as(x))


@formula("random_invert", against="torchvision's invert, under dlc's own draws", draws=True)
def random_invert(c, _, x):
    return chosen(c, x, sum(c["value_range"]) - x)


@formula("random_solarize", against="torchvision's solarize, under dlc's own draws", draws=True)
def random_solarize(c, _, x):
    return chosen(c, x, torch.where(x >= c["threshold"], sum(c["value_range"]) - x, x))


@formula("random_posterize", against="torchvision's posterize, under dlc's own draws", draws=True)
def random_posterize(c, _, x):
    low, high = c["value_range"]
    whole = ((x.detach() - low) / (high - low) * 255).round().clamp(0, 255).long()
    steps = 2 ** (8 - c["bits"])
    return chosen(c, x, (whole // steps * steps).double() / 255 * (high - low) + low)


@formula("random_auto_contrast", against="torchvision's autocontrast, under dlc's own draws", draws=True)
def random_auto_contrast(c, _, x):
    low, high = c["value_range"]
    least, most = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    return chosen(c, x, ((x - least) / (most - least) * (high - low) + low).clamp(low, high))


@formula("random_gaussian_blur", against="torchvision's gaussian_blur, under dlc's own draws", draws=True)
def random_gaussian_blur(c, _, x):
    if not c.trains:
        return x * 1
    low, high = c["sigma"] if isinstance(c["sigma"], list) else [c["sigma"]] * 2
    if low != high:
        raise Drawn
    y = x
    for axis, taps in zip((2, 3), each(c["kernel"], 2)):
        distance = torch.arange(taps) - taps // 2
        bell = torch.exp(-0.5 * (distance / low) ** 2)
        moved = y.movedim(axis, -1)
        flat = F.pad(moved.flatten(0, 1), (taps // 2, taps // 2), mode="reflect")
        smooth = F.conv1d(flat.flatten(0, 1).unsqueeze(1), (bell / bell.sum()).reshape(1, 1, -1))
        y = smooth.reshape(moved.shape).movedim(-1, axis)
    return chosen(c, x, y)


@formula("mixup", "cut_mix", against="identity and F.one_hot (training draws)")
def mixes(c, _, x, labels):
    if not labels.is_floating_point():
        inside = (labels >= 0) & (labels < c["classes"])
        labels = F.one_hot(labels * inside, c["classes"]).double() * inside.unsqueeze(1)
    return x * 1, labels * 1


@formula("affine_grid_sample", against="F.affine_grid, F.grid_sample")
def affine_grid_sample(c, _, x, where):
    align = c["corners"] == "align"
    if where.dim() == 4:
        grid = where
    else:
        size = each(c["size"], 2) if c["size"] is not None else x.shape[2:]
        grid = F.affine_grid(where.reshape(-1, 2, 3), [*x.shape[:2], *size], align_corners=align)
    border = {"constant": "zeros", "edge": "border", "reflect": "reflection", "symmetric": "reflection"}[c["border"]]
    value = c["value"] or 0
    return F.grid_sample(x - value, grid, c["method"], border, align) + value
