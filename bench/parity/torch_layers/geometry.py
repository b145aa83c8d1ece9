"""Images that are moved: torchvision's affine maps by F.grid_sample, where the range of a draw holds one number alone."""

import math

import torch
import torch.nn.functional as F

from .augmentation import drawn_from_one, with_mask
from .formula import Drawn, formula

BORDERS = {"constant": "zeros", "edge": "border", "symmetric": "reflection"}


def inverse_affine(angle, scale, shear):
    """The 2×2 part of torchvision's _get_inverse_affine_matrix, which turns clockwise."""
    turn, sx, sy = (math.radians(degrees) for degrees in (angle, *shear))
    a = math.cos(turn - sy) / math.cos(sy)
    b = -math.cos(turn - sy) * math.tan(sx) / math.cos(sy) - math.sin(turn)
    c = math.sin(turn - sy) / math.cos(sy)
    d = -math.sin(turn - sy) * math.tan(sx) / math.cos(sy) + math.cos(turn)
    return torch.tensor([[d, -b], [-c, a]]) / scale


def sampled(x, method, border, angle=0.0, shift=(0.0, 0.0), scale=1.0, shear=(0.0, 0.0)):
    """`shift` in pixels, x first; a place of the output reads from M · (place − shift)."""
    height, width = x.shape[2:]
    y, x_ = torch.meshgrid(torch.arange(height) - (height - 1) / 2, torch.arange(width) - (width - 1) / 2, indexing="ij")
    places = (torch.stack([x_, y], -1) - torch.tensor(shift)) @ inverse_affine(angle, scale, shear).T
    grid = places * 2 / torch.tensor([width, height])
    return F.grid_sample(x, grid.expand(len(x), -1, -1, -1), method, BORDERS[border], False)


def moved(c, x, mask, **how):
    if not c.trains:
        return with_mask(x * 1, mask)
    if c["probability"] != 1 or c["value"] or mask is not None:
        raise Drawn
    return sampled(x, c["method"], c["border"], **how), sampled(torch.ones_like(x[:, :1]), "nearest", "constant", **how)


@formula("random_rotation", against="torchvision's rotate by a fixed angle (other training draws)", draws=True)
def random_rotation(c, _, x, mask=None):
    return moved(c, x, mask, **({"angle": -drawn_from_one(c, "degrees")} if c.trains else {}))


@formula("random_translation", against="torchvision's affine of a fixed shift (other training draws)", draws=True)
def random_translation(c, _, x, mask=None):
    if not c.trains:
        return moved(c, x, mask)
    shift = [drawn_from_one(c, "width") * x.shape[3], drawn_from_one(c, "height") * x.shape[2]]
    return moved(c, x, mask, shift=[round(part) for part in shift] if c["whole"] else shift)


@formula("random_zoom", against="torchvision's affine of a fixed scale (other training draws)", draws=True)
def random_zoom(c, _, x, mask=None):
    return moved(c, x, mask, **({"scale": drawn_from_one(c, "scale")} if c.trains else {}))


@formula("random_shear", against="torchvision's affine of fixed shears (other training draws)", draws=True)
def random_shear(c, _, x, mask=None):
    return moved(c, x, mask, **({"shear": [drawn_from_one(c, axis) for axis in "xy"]} if c.trains else {}))


@formula("random_affine", against="torchvision's affine of fixed numbers (other training draws)", draws=True)
def random_affine(c, _, x, mask=None):
    if not c.trains:
        return moved(c, x, mask)
    shift = [drawn_from_one(c, "width") * x.shape[3], drawn_from_one(c, "height") * x.shape[2]]
    shear = [drawn_from_one(c, "shear_x"), drawn_from_one(c, "shear_y")]
    return moved(c, x, mask, angle=-drawn_from_one(c, "degrees"), shift=shift, scale=drawn_from_one(c, "scale", 1), shear=shear)


@formula("random_perspective", "random_elastic_transform", against="identity (training draws)")
def bent(c, _, x, mask=None):
    return with_mask(x * 1, mask)
