"""The benchmark's models in PyTorch, layer for layer those of bench/cases.mjs, and samples for them."""

import torch
import torch.nn.functional as F
from torch import nn


def mlp():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    )  # fmt: skip


def cifar10_quick():
    return nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2), nn.MaxPool2d(3, 2, ceil_mode=True), nn.ReLU(),
        nn.Conv2d(32, 32, 5, padding=2), nn.ReLU(), nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Flatten(), nn.Linear(1024, 64), nn.Linear(64, 10),
    )  # fmt: skip


class Residual(nn.Module):
    """relu(body(x) + skip(x))"""

    def __init__(self, body, skip):
        super().__init__()
        self.body, self.skip = body, skip

    def forward(self, x):
        return F.relu(self.body(x) + self.skip(x), inplace=True)


def normed(c, k, size, stride=1, act=True, groups=1, relu=nn.ReLU):
    layers = [nn.Conv2d(c, k, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(k)]
    return layers + ([relu(inplace=True)] if act else [])


def projection(c, k, stride):
    return nn.Sequential(*normed(c, k, 1, stride, act=False)) if stride != 1 or c != k else nn.Identity()


def resnet20():
    layers, c = normed(3, 16, 3), 16
    for k, stride in [(16, 1)] * 3 + [(32, 2)] + [(32, 1)] * 2 + [(64, 2)] + [(64, 1)] * 2:
        body = nn.Sequential(*normed(c, k, 3, stride), *normed(k, k, 3, act=False))
        layers.append(Residual(body, projection(c, k, stride)))
        c = k
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def resnet50():
    layers, c = normed(3, 64, 7, 2) + [nn.MaxPool2d(3, 2, 1)], 64
    for width, units, first in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
        for i in range(units):
            stride = first if i == 0 else 1
            body = normed(c, width, 1) + normed(width, width, 3, stride) + normed(width, 4 * width, 1, act=False)
            layers.append(Residual(nn.Sequential(*body), projection(c, 4 * width, stride)))
            c = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


class Added(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return x + self.body(x)


def mobilenet_v2():
    layers, c = normed(3, 32, 3, 2, relu=nn.ReLU6), 32
    plan = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expand, k, units, first in plan:
        for i in range(units):
            stride, wide = (first if i == 0 else 1), expand * c
            body = normed(c, wide, 1, relu=nn.ReLU6) if expand != 1 else []
            body += normed(wide, wide, 3, stride, groups=wide, relu=nn.ReLU6) + normed(wide, k, 1, act=False)
            layers.append(Added(nn.Sequential(*body)) if stride == 1 and c == k else nn.Sequential(*body))
            c = k
    layers += normed(c, 1280, 1, relu=nn.ReLU6)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        pair = lambda c, k: nn.Sequential(*normed(c, k, 3), *normed(k, k, 3))  # noqa: E731
        self.down = nn.ModuleList([pair(3, 64), pair(64, 128), pair(128, 256)])
        self.bottom = pair(256, 512)
        self.up = nn.ModuleList([nn.ConvTranspose2d(2 * k, k, 2, 2) for k in (256, 128, 64)])
        self.joined = nn.ModuleList([pair(2 * k, k) for k in (256, 128, 64)])
        self.logits = nn.Conv2d(64, 2, 1)

    def forward(self, x):
        skips = []
        for down in self.down:
            skips.append(down(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.bottom(x)
        for up, joined in zip(self.up, self.joined):
            x = joined(torch.cat([skips.pop(), up(x)], 1))
        return self.logits(x)


class CharLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.chars, self.memory = nn.Embedding(65, 256), nn.LSTM(256, 256, 2, batch_first=True)
        self.logits = nn.Linear(256, 65)

    def forward(self, text):
        return self.logits(self.memory(self.chars(text))[0])


class Attention(nn.Module):
    def __init__(self, causal):
        super().__init__()
        self.qkv, self.out, self.causal = nn.Linear(256, 768), nn.Linear(256, 256), causal

    def forward(self, x):
        n, t, _ = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, 4, 64).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(n, t, 256))


class Layer(nn.Module):
    """One of a transformer; norms before each part, or behind the sums."""

    def __init__(self, first, causal, approximate):
        super().__init__()
        self.first, self.attention = first, Attention(causal)
        self.norm1, self.norm2 = nn.LayerNorm(256), nn.LayerNorm(256)
        self.dense = nn.Sequential(nn.Linear(256, 1024), nn.GELU(approximate=approximate), nn.Linear(1024, 256))

    def forward(self, x):
        if self.first:
            x = x + self.attention(self.norm1(x))
            return x + self.dense(self.norm2(x))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.dense(x))


class Transformer(nn.Module):
    def __init__(self, vocabulary, outputs, causal):
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, 256), nn.Parameter(torch.randn(128, 256) * 0.02)
        layers = [Layer(causal, causal, "tanh" if causal else "none") for _ in range(4)]
        self.layers, self.norm = nn.Sequential(*layers), nn.LayerNorm(256) if causal else nn.Identity()
        self.logits, self.causal = nn.Linear(256, outputs), causal

    def forward(self, tokens):
        x = self.norm(self.layers(self.words(tokens) + self.places))
        return self.logits(x if self.causal else x.mean(1))


MODELS = {
    "mlp": (mlp, (1, 28, 28)),
    "lenet": (lenet, (1, 28, 28)),
    "cifar10_quick": (cifar10_quick, (3, 32, 32)),
    "resnet20": (resnet20, (3, 32, 32)),
    "resnet50": (resnet50, (3, 224, 224)),
    "mobilenet_v2": (mobilenet_v2, (3, 224, 224)),
    "unet": (UNet, (3, 128, 128)),
    "char_lstm": (CharLstm, 65),
    "encoder": (lambda: Transformer(1000, 10, False), 1000),
    "gpt": (lambda: Transformer(256, 256, True), 256),
}
LENGTH = {"char_lstm": 64, "encoder": 128, "gpt": 128}


def build(name):
    torch.manual_seed(1)
    return MODELS[name][0]()


def sample(name, batch):
    """Inputs and, for the loss, labels: of samples, of tokens or of pixels."""
    kind = MODELS[name][1]
    x = torch.rand(batch, *kind) if isinstance(kind, tuple) else torch.randint(0, kind, (batch, LENGTH[name]))
    shape = {"unet": (batch, 128, 128), "char_lstm": (batch, 64), "gpt": (batch, 128)}.get(name, (batch,))
    return x, torch.randint(0, 2, shape)


def loss(logits, labels, name):
    return F.cross_entropy(logits.flatten(0, 1) if name in ("char_lstm", "gpt") else logits,
                           labels.flatten() if name in ("char_lstm", "gpt") else labels)  # fmt: skip
