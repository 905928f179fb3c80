"""Measures a network in plain PyTorch: an eager loop, channels last in memory, images on the device as uint8."""

from typing import Any

import torch
from torch.nn import functional

import cnnzoo
from cnnzoo import runtime
from cnnzoo.bench.task import DEVIATION, LEARNING_RATE, MEAN, MOMENTUM, Result, Stopwatch, Task, is_board, make_images
from cnnzoo.bench.torch_network import translate
from cnnzoo.errors import UserError
from cnnzoo.models import without_auxiliary_heads


def measure(task: Task) -> Result:
    """Measure a network that was translated from Keras."""
    runtime.seed_everything(0)
    network = without_auxiliary_heads(cnnzoo.build(task.network))
    shape, classes = tuple(network.input_shape[1:]), network.output_shape[-1]
    images, labels = make_images(task, shape, classes)
    use_gpu = task.device != "cpu" and torch.cuda.is_available()
    if task.device == "gpu" and not use_gpu:
        raise UserError("--device gpu: PyTorch sees no GPU.")
    device = torch.device("cuda" if use_gpu else "cpu")
    model = translate(network).to(device, memory_format=torch.channels_last)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).to(device)  # in memory the channels are last
    loop = _Loop(task, model, pixels, torch.from_numpy(labels).long().to(device), is_board(shape))
    name = f"GPU ({torch.cuda.get_device_name()})" if use_gpu else f"CPU, {torch.get_num_threads()} threads"
    return Result(f"torch, {name}", shape, loop.run(training=True), loop.run(training=False))


class _Loop:
    """Rounds of training or inference."""

    def __init__(self, task: Task, model: Any, pixels: Any, targets: Any, board: bool) -> None:
        self.task, self.model, self.pixels, self.targets, self.board = task, model, pixels, targets, board
        self.host_pixels = pixels.cpu()
        self.optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, momentum=MOMENTUM)

    def run(self, *, training: bool) -> list[float]:
        """Return the seconds of each round."""
        self.model.train(training)
        stopwatch = Stopwatch()
        for _ in range(self.task.rounds + 1):
            stopwatch.start()
            shuffle = torch.randperm if training else torch.arange
            order = shuffle(len(self.pixels), device=self.pixels.device)
            with torch.set_grad_enabled(training):
                for indices in order.split(self.task.batch_size):
                    self._step(indices, training=training)
            if self.pixels.is_cuda:
                torch.cuda.synchronize()
            stopwatch.stop()
        return stopwatch.seconds

    def _step(self, indices: Any, *, training: bool) -> None:
        # In inference images come from the host and logits go there, as with Keras.
        pixels = self.pixels if training else self.host_pixels
        x = pixels[indices.to(pixels.device)].to(self.pixels.device).float()
        if not self.board:
            x = x.div_(255).sub_(MEAN).div_(DEVIATION)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.task.precision == "mixed_bfloat16"):
            logits = self.model(x)
        if training:
            loss = functional.cross_entropy(logits.float(), self.targets[indices])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        else:
            logits.float().cpu()
