#!/usr/bin/env python3
"""Times training of the reference net with PyTorch on a GPU, in four modes.

eager          op by op, as written
compile        forward and loss through torch.compile (on a GPU mode="reduce-overhead": graphs of its own)
graph          the whole step (gather, forward, backward, Adam, sums) captured in one CUDA graph
compile-graph  the same around the compiled forward and backward

Everywhere: images on the device as bytes, channels last, fused Adam, no wait for the device inside an
epoch. float32 has TF32 off; bf16 is autocast. With --device cpu the same code runs without graphs.
"""

import sys
import types

import torch

import peer

NAME = "pytorch"
MODES = ("eager", "graph", "compile", "compile-graph")


def version():
    return torch.__version__


def groups(modes):
    return [[m for m in modes if "compile" not in m], [m for m in modes if "compile" in m]]


def device(name):
    if name == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        sys.exit("PyTorch sees no CUDA device; --device cpu runs the same code on the processor")
    return torch.cuda.get_device_name()


def forget():
    if hasattr(torch, "_dynamo"):
        torch._dynamo.reset()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def load(train, test, name):
    """Images N, H, W, C as bytes, and labels, on the device."""

    def split(content):
        table = torch.frombuffer(content, dtype=torch.uint8).view(-1, peer.PIXELS + 1)
        planes = table[:, 1:].reshape(-1, peer.CHANNELS, peer.SIDE, peer.SIDE)
        return planes.permute(0, 2, 3, 1).contiguous().to(name), table[:, 0].long().to(name)

    return types.SimpleNamespace(train=split(train), test=split(test), device=name)


def build_net(seed):
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2304, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
    numbers = peer.initial_weights(seed)
    layers = [layer for layer in net if hasattr(layer, "weight")]
    with torch.no_grad():
        for layer, (name, shape, _, _) in zip(layers, peer.WEIGHTS):
            layer.weight.copy_(torch.tensor(numbers[name]).view(shape))
            layer.bias.zero_()
    return net


def scaled(pixels, number_type):
    return (pixels.to(number_type) * (1 / 255)).permute(0, 3, 1, 2)


def reference_losses(data, batch, options, steps):
    """Plain training in double precision."""
    net = build_net(options.seed).to(data.device).double()
    optimizer = adam(net, fast=False)
    order = torch.tensor(peer.first_order(options.limit), device=data.device)
    losses = []
    for chosen in order.split(batch)[:steps]:
        logits = net(scaled(data.train[0][chosen], torch.float64))
        loss = torch.nn.functional.cross_entropy(logits, data.train[1][chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def adam(net, fast):
    further = {"fused": True, "capturable": True} if fast else {}
    return torch.optim.Adam(
        net.parameters(),
        lr=peer.LEARNING_RATE,
        betas=(peer.BETA1, peer.BETA2),
        eps=peer.EPSILON,
        **further,
    )


class Trainer:
    """The net, its optimiser, and the way in which a mode runs a step."""

    def __init__(self, data, mode, precision, batch, options):
        self.cuda = data.device != "cpu"
        if not self.cuda and ("graph" in mode or precision == "tf32"):
            raise peer.NotHere(f"{mode} in {precision} needs a CUDA device")
        if "compile" in mode and not hasattr(torch, "compile"):
            raise peer.NotHere(f"{mode} needs PyTorch 2, this is {torch.__version__}")
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        self.data, self.batch, self.seed = data, batch, options.seed
        self.bf16 = precision == "bf16"
        self.net = build_net(options.seed).to(data.device, memory_format=torch.channels_last)
        self.optimizer = adam(self.net, fast=self.cuda)
        self.initial = [parameter.detach().clone() for parameter in self.net.parameters()]
        images = options.limit
        self.order = torch.arange(images, device=data.device)
        self.offsets = torch.arange(batch, device=data.device)
        self.place = torch.zeros((), dtype=torch.int64, device=data.device)
        self.loss_sum = torch.zeros((), device=data.device)
        self.hits = torch.zeros((), dtype=torch.int64, device=data.device)
        self.counts = [batch] * (images // batch) + [images % batch] * (images % batch > 0)
        self.captured = "graph" in mode
        self.graphs = {}
        self.settings = "channels last, data on the device, cudnn.benchmark"
        self.settings += ", fused Adam" if self.cuda else ""
        self.settings += ", autocast" if self.bf16 else ""
        self.settings += ", whole step in a CUDA graph" if self.captured else ""
        if "compile" in mode:
            how = "reduce-overhead" if self.cuda and not self.captured else "default"
            self.forward = torch.compile(self.forward, dynamic=False, mode=how)
            self.settings += f", torch.compile mode={how}"

    def forward(self, pixels, labels):
        """Mean loss and number of hits."""
        kind = "cuda" if self.cuda else "cpu"
        with torch.autocast(kind, torch.bfloat16, enabled=self.bf16, cache_enabled=False):
            logits = self.net(scaled(pixels, torch.float32)).float()
        loss = torch.nn.functional.cross_entropy(logits, labels)
        return loss, (logits.detach().argmax(1) == labels).sum()

    def step(self, count, at=None):
        """A step on images from this place of the order; without one, from the device's own counter."""
        if at is None:
            chosen = self.order.index_select(0, self.place + self.offsets[:count])
            self.place += count
        else:
            chosen = self.order[at : at + count]
        images, labels = self.data.train
        loss, hits = self.forward(images.index_select(0, chosen), labels.index_select(0, chosen))
        loss.backward()
        self.optimizer.step()
        self.loss_sum.add_(loss.detach(), alpha=count)
        self.hits += hits

    def capture(self, count):
        """A graph of a step, after some steps that choose algorithms and set up memory."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.place.zero_()
                self.optimizer.zero_grad(set_to_none=True)
                self.step(count)
        torch.cuda.current_stream().wait_stream(stream)
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(count)
        return graph

    def run_step(self, count, at):
        if self.captured:
            self.graphs[count].replay()
            return
        if self.cuda and hasattr(torch, "compiler"):
            torch.compiler.cudagraph_mark_step_begin()
        self.optimizer.zero_grad(set_to_none=True)
        self.step(count, at)

    def warm_up(self):
        for count in dict.fromkeys(self.counts):
            if self.captured:
                self.graphs[count] = self.capture(count)
            else:
                for _ in range(3):
                    self.run_step(count, 0)
        self.test_accuracy()
        self.wait()

    def wait(self):
        if self.cuda:
            torch.cuda.synchronize()

    def reset(self):
        """Weights and moments as at first, in the memory that graphs know."""
        with torch.no_grad():
            for parameter, numbers in zip(self.net.parameters(), self.initial):
                parameter.copy_(numbers)
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()
        self.begin()
        self.wait()

    def begin(self):
        self.place.zero_()
        self.loss_sum.zero_()
        self.hits.zero_()

    def first_losses(self, steps):
        self.reset()
        self.order.copy_(torch.tensor(peer.first_order(len(self.order))))
        losses = []
        for number in range(steps):
            self.loss_sum.zero_()
            self.run_step(self.batch, number * self.batch)
            losses.append(self.loss_sum.item() / self.batch)
        return losses

    def train_epoch(self, epoch):
        self.begin()
        torch.manual_seed(self.seed + epoch)
        self.order.copy_(torch.randperm(len(self.order), device=self.data.device))
        at = 0
        for count in self.counts:
            self.run_step(count, at)
            at += count
        return self.loss_sum.item() / at, self.hits.item() / at

    def test_accuracy(self):
        images, labels = self.data.test
        kind = "cuda" if self.cuda else "cpu"
        hits = 0
        with torch.no_grad(), torch.autocast(kind, torch.bfloat16, enabled=self.bf16):
            for pixels, expected in zip(images.split(1000), labels.split(1000)):
                hits += (self.net(scaled(pixels, torch.float32)).argmax(1) == expected).sum().item()
        return hits / len(labels)


if __name__ == "__main__":
    sys.exit(peer.run(sys.modules[__name__]))
