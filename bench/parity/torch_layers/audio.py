"""Audio front ends: torch.stft, and torchaudio's formulas written out."""

import math

import torch
import torch.nn.functional as F

from .formula import formula

WINDOWS = {
    "hann": torch.hann_window, "hamming": torch.hamming_window, "blackman": torch.blackman_window, "none": torch.ones,
}  # fmt: skip


def transformed(c, x):
    """Complex [N, T, bins]."""
    size = c["n_fft"]
    length = c["window_length"] or size
    hop = c["hop"] or length // 2
    window = WINDOWS[c["window"]](length, dtype=torch.float64)
    return torch.stft(x, size, hop, length, window, c["center"], return_complex=True).mT


@formula("stft", against="torch.stft")
def stft(c, _, x):
    y = transformed(c, x)
    return y.real, y.imag


@formula("spectrogram", against="|torch.stft|^power")
def spectrogram(c, _, x):
    y = transformed(c, x)
    return y.abs() ** c["power"]


def mel_of(hertz, scale):
    if scale == "htk":
        return 2595 * math.log10(1 + hertz / 700)
    return 3 * hertz / 200 if hertz < 1000 else 15 + math.log(hertz / 1000) * 27 / math.log(6.4)


def hertz_of(mel, scale):
    if scale == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    return 200 * mel / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)


def filters(c):
    """[bins, mels], as functional.melscale_fbanks of torchaudio."""
    high = c["sample_rate"] / 2 if c["high"] is None else c["high"]
    ends = [mel_of(end, c["scale"]) for end in (c["low"], high)]
    mels = torch.linspace(*ends, c["mels"] + 2, dtype=torch.float64)
    corners = torch.tensor([hertz_of(mel.item(), c["scale"]) for mel in mels], dtype=torch.float64)
    bins = torch.arange(c["n_fft"] // 2 + 1).double() * c["sample_rate"] / c["n_fft"]
    slopes = corners - bins.unsqueeze(1)
    widths = corners.diff()
    table = torch.minimum(-slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]).clamp(min=0)
    return table * 2 / (corners[2:] - corners[:-2]) if c["norm"] == "slaney" else table


@formula("mel_spectrogram", against="torch.stft and torchaudio's melscale_fbanks")
def mel_spectrogram(c, _, x):
    energy = spectrogram(c, _, x) @ filters(c)
    held = energy.clamp(min=1e-10 if c["floor"] is None else c["floor"])
    if c["log"] == "none":
        return energy
    if c["log"] == "natural":
        return held.log()
    decibels = 20 / c["power"] * held.log10()
    return decibels if c["top_db"] is None else torch.maximum(decibels, decibels.amax((1, 2), keepdim=True) - c["top_db"])


@formula("mfcc", against="that, and the orthonormal DCT-II of torchaudio's create_dct")
def mfcc(c, _, x):
    mels, count = c["mels"], c["coefficients"]
    places, orders = torch.arange(mels).double(), torch.arange(count).double()
    table = torch.cos(math.pi / mels * (places.unsqueeze(1) + 0.5) * orders) * math.sqrt(2 / mels)
    table[:, 0] /= math.sqrt(2)
    if c["lifter"]:
        table = table * (1 + c["lifter"] / 2 * torch.sin(math.pi * (orders + 1) / c["lifter"]))
    return mel_spectrogram(c, _, x) @ table


@formula("frames", against="Tensor.unfold")
def frames(c, _, x):
    return x.unfold(1, c["length"], c["hop"] or c["length"])


@formula("delta", against="F.conv1d (torchaudio's compute_deltas)")
def delta(c, _, x):
    half = (c["window"] - 1) // 2
    kernel = torch.arange(-half, half + 1).double()
    padded = F.pad(x.mT, (half, half), mode="replicate")
    kernel = (kernel / (2 * kernel[half:].square().sum())).expand(x.shape[2], 1, -1)
    return F.conv1d(padded, kernel, groups=x.shape[2]).mT


@formula("pre_emphasis", against="torch.sub (torchaudio's Preemphasis)")
def pre_emphasis(c, _, x):
    return x - c["coefficient"] * torch.cat([x[:, :1], x[:, :-1]], 1)


@formula("mu_law", against="torchaudio's mu_law_encoding")
def mu_law(c, _, x):
    mu = c["channels"] - 1
    if c["direction"] == "decode":
        return x.sign() * torch.expm1(x.abs() * math.log1p(mu)) / mu
    y = x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)
    return ((y + 1) / 2 * mu + 0.5).to(torch.int64) if c["quantize"] else y


@formula("spec_augment", against="masked_fill, under dlc's own draws", draws=True)
def spec_augment(c, _, x):
    if not c.trains:
        return x * 1
    masked = (c.found[0] - x).detach().abs() > 1e-6
    steps, bands = masked.all(2, keepdim=True), masked.all(1, keepdim=True)
    assert torch.equal(masked, steps | bands), "a mask is neither of steps nor of bands"
    return x.masked_fill(masked, c["value"])
