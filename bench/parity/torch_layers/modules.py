"""All the formulas, by being imported."""

from . import (
    attention,
    audio,
    augmentation,
    detection,
    elements,
    geometry,
    linear,
    normalizations,
    randomness,
    recurrent,
    shapes,
    windows,
)
from .activations import activation

__all__ = [
    "activation", "attention", "audio", "augmentation", "detection", "elements", "geometry", "linear", "normalizations", "randomness",
    "recurrent", "shapes", "windows",
]  # fmt: skip
