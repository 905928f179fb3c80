"""torchvision's networks, defined independently of it and of ours, with its names of the tensors.

Only to be compared with: in evaluation mode, images (batch, 3, height, width) to logits.
"""

from collections import OrderedDict

import torch
from torch import nn


def alexnet(num_classes):
    """Krizhevsky 2014 with a pooling to 6x6 before the classifier."""
    net = nn.Module()
    net.features = numbered(
        {
            0: nn.Conv2d(3, 64, 11, stride=4, padding=2),
            1: nn.ReLU(),
            2: nn.MaxPool2d(3, 2),
            3: nn.Conv2d(64, 192, 5, padding=2),
            4: nn.ReLU(),
            5: nn.MaxPool2d(3, 2),
            6: nn.Conv2d(192, 384, 3, padding=1),
            7: nn.ReLU(),
            8: nn.Conv2d(384, 256, 3, padding=1),
            9: nn.ReLU(),
            10: nn.Conv2d(256, 256, 3, padding=1),
            11: nn.ReLU(),
            12: nn.MaxPool2d(3, 2),
        }
    )
    net.classifier = numbered(
        {
            1: nn.Linear(9216, 4096),
            2: nn.ReLU(),
            4: nn.Linear(4096, 4096),
            5: nn.ReLU(),
            6: nn.Linear(4096, num_classes),
        }
    )
    net.forward = lambda x: net.classifier(nn.functional.adaptive_avg_pool2d(net.features(x), 6).flatten(1))
    return net.eval()


VGG = {
    11: "64 M 128 M 256 256 M 512 512 M 512 512 M",
    13: "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    16: "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    19: "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def vgg(depth, num_classes, *, batch_norm=False):
    modules, channels = [], 3
    for word in VGG[depth].split():
        if word == "M":
            modules.append(nn.MaxPool2d(2))
            continue
        modules.append(nn.Conv2d(channels, int(word), 3, padding=1))
        if batch_norm:
            modules.append(nn.BatchNorm2d(int(word)))
        modules.append(nn.ReLU())
        channels = int(word)
    net = nn.Module()
    net.features = nn.Sequential(*modules)
    net.classifier = numbered(
        {
            0: nn.Linear(25088, 4096),
            1: nn.ReLU(),
            3: nn.Linear(4096, 4096),
            4: nn.ReLU(),
            6: nn.Linear(4096, num_classes),
        }
    )
    net.forward = lambda x: net.classifier(nn.functional.adaptive_avg_pool2d(net.features(x), 7).flatten(1))
    return net.eval()


def classifier(places, inputs, num_classes):
    """Three dense layers, with numbers of their own where dropout stands between them in training."""
    first, second, third = places
    return numbered(
        {
            first: nn.Linear(inputs, 4096),
            first + 1: nn.ReLU(),
            second: nn.Linear(4096, 4096),
            second + 1: nn.ReLU(),
            third: nn.Linear(4096, num_classes),
        }
    )


def numbered(modules):
    return nn.Sequential(OrderedDict((str(place), module) for place, module in modules.items()))


class Unit(nn.Module):
    """GoogLeNet's convolution."""

    def __init__(self, inputs, outputs, size, **settings):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, bias=False, **settings)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    def __init__(self, inputs, one, three_reduce, three, five_reduce, five, pool):
        super().__init__()
        self.branch1 = Unit(inputs, one, 1)
        self.branch2 = nn.Sequential(Unit(inputs, three_reduce, 1), Unit(three_reduce, three, 3, padding=1))
        self.branch3 = nn.Sequential(Unit(inputs, five_reduce, 1), Unit(five_reduce, five, 3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1, ceil_mode=True), Unit(inputs, pool, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class Head(nn.Module):
    def __init__(self, inputs, num_classes):
        super().__init__()
        self.conv = Unit(inputs, 128, 1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)

    def forward(self, x):
        x = self.conv(nn.functional.adaptive_avg_pool2d(x, 4)).flatten(1)
        return self.fc2(torch.relu(self.fc1(x)))


# Inputs and filters of the modules, in Szegedy et al.'s order of columns.
INCEPTION = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


class GoogLeNet(nn.Module):
    """Returns the logits and those of both heads, in evaluation mode too; {} without heads."""

    def __init__(self, num_classes, *, aux=True):
        super().__init__()
        self.conv1 = Unit(3, 64, 7, stride=2, padding=3)
        self.conv2 = Unit(64, 64, 1)
        self.conv3 = Unit(64, 192, 3, padding=1)
        for name, columns in INCEPTION.items():
            setattr(self, f"inception{name}", Inception(*columns))
        if aux:
            self.aux1, self.aux2 = Head(512, num_classes), Head(528, num_classes)
        self.fc = nn.Linear(1024, num_classes)
        self.eval()

    def forward(self, x):
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        x = pool(self.conv3(self.conv2(pool(self.conv1(x)))))
        x = self.inception4a(pool(self.inception3b(self.inception3a(x))))
        heads = {"auxiliary1": self.aux1(x)} if hasattr(self, "aux1") else {}
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        if hasattr(self, "aux2"):
            heads["auxiliary2"] = self.aux2(x)
        x = nn.functional.max_pool2d(self.inception4e(x), 2, 2, ceil_mode=True)
        x = self.inception5b(self.inception5a(x)).mean((2, 3))
        return {"logits": self.fc(x), **heads}


class Block(nn.Module):
    """A basic block, or a bottleneck with the stride on its 3x3 convolution."""

    def __init__(self, inputs, filters, stride, *, bottleneck):
        super().__init__()
        outputs = 4 * filters if bottleneck else filters
        rows = [(inputs, filters, 3, stride), (filters, filters, 3, 1)]
        if bottleneck:
            rows = [(inputs, filters, 1, 1), (filters, filters, 3, stride), (filters, outputs, 1, 1)]
        self.count = len(rows)
        for n, (before, after, size, step) in enumerate(rows, start=1):
            setattr(self, f"conv{n}", nn.Conv2d(before, after, size, step, size // 2, bias=False))
            setattr(self, f"bn{n}", nn.BatchNorm2d(after))
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for n in range(1, self.count + 1):
            y = getattr(self, f"bn{n}")(getattr(self, f"conv{n}")(y))
            if n < self.count:
                y = torch.relu(y)
        shortcut = self.downsample(x) if hasattr(self, "downsample") else x
        return torch.relu(y + shortcut)


RESNET = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class ResNet(nn.Module):
    def __init__(self, depth, num_classes):
        super().__init__()
        bottleneck = depth >= 50
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for row, count in enumerate(RESNET[depth]):
            filters, blocks = 64 * 2**row, []
            for index in range(count):
                blocks.append(Block(channels, filters, 2 if row and not index else 1, bottleneck=bottleneck))
                channels = filters * (4 if bottleneck else 1)
            setattr(self, f"layer{row + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, num_classes)
        self.eval()

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for row in range(1, 5):
            x = getattr(self, f"layer{row}")(x)
        return self.fc(x.mean((2, 3)))


def randomize(net, seed=0):
    """Draw every weight, and every moving statistic, so that nothing grows or dies from layer to layer."""
    generator = torch.Generator().manual_seed(seed)
    for name, values in net.state_dict().items():
        if values.dtype != torch.float32:
            continue
        if name.endswith("running_var"):
            values.uniform_(0.5, 2, generator=generator)
        elif values.ndim > 1:
            values.normal_(0, (2 / values[0].numel()) ** 0.5, generator=generator)
        else:
            scales = name.endswith(".weight")  # of batch norm
            values.uniform_(*((0.5, 1.5) if scales else (-0.2, 0.2)), generator=generator)
    return net


def logits(net, images):
    """Return what a network makes of images (batch, height, width, channels), as NumPy."""
    with torch.no_grad():
        out = net.forward(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
    return {name: values.numpy() for name, values in out.items()} if isinstance(out, dict) else out.numpy()
