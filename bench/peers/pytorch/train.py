#!/usr/bin/python3
"""Trains the reference net with PyTorch; same command line and output as the Java peers.

Needs Debian's python3-torch, python3-numpy and libopenblas0-pthread. At its best the images lie
channels last and OpenBLAS keeps to one thread (OPENBLAS_NUM_THREADS=1, read when it loads). With
--default-settings the images lie channels first and PyTorch chooses its threads; which BLAS that
measures is decided by the dynamic linker before this program starts.
"""

import argparse
import json
import math
import os
import sys
import time

PROCESS_VARIABLES = (
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "GOMP_SPINCOUNT",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
)
RECORD_BYTES = 3073
IMAGES_PER_FILE = 10_000
TRAIN_IMAGES = 50_000


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {text}")
    return number


def parse_arguments():
    parser = argparse.ArgumentParser(description="train the reference net with PyTorch")
    parser.add_argument("--data", required=True, help="folder cifar-10-batches-bin")
    parser.add_argument("--epochs", type=positive, default=1)
    parser.add_argument("--batch", type=positive, default=64)
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--default-settings", action="store_true")
    parser.add_argument("--limit", type=positive, default=TRAIN_IMAGES)
    arguments = parser.parse_args()
    if not arguments.default_settings and os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        parser.error(
            "this peer's best settings need the environment variable OPENBLAS_NUM_THREADS=1;"
            " set it, or give --default-settings"
        )
    return arguments


def seconds_since_start():
    """Seconds since this process started, from its start time in clock ticks after boot."""
    with open("/proc/self/stat", encoding="ascii") as stat:
        start_ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_ticks / os.sysconf("SC_CLK_TCK")


def peak_resident_megabytes():
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no line VmHWM")


def blas_library():
    """The file of the BLAS that this process has mapped."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split()[-1] for line in maps if "blas" in line.rsplit("/", 1)[-1]}
    return ", ".join(sorted(os.path.basename(path) for path in paths)) or "unknown"


def read_files(numpy, torch, folder, names, limit):
    """Images as bytes, N, H, W, C, and labels."""
    records = []
    for name in names:
        path = os.path.join(folder, name)
        wanted = min(limit, IMAGES_PER_FILE) * RECORD_BYTES
        if wanted == 0:
            break
        data = numpy.fromfile(path, dtype=numpy.uint8, count=wanted)
        if data.size != wanted:
            sys.exit(f"{path} is too short: expected {wanted} bytes, got {data.size}")
        records.append(data.reshape(-1, RECORD_BYTES))
        limit -= len(records[-1])
    labels = numpy.concatenate([part[:, 0] for part in records]).astype(numpy.int64)
    images = numpy.concatenate(
        [part[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1) for part in records]
    )
    return torch.from_numpy(numpy.ascontiguousarray(images)), torch.from_numpy(labels)


def build_net(torch):
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
    for layer in net:
        if hasattr(layer, "weight"):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return net


class Trainer:
    """The net, its optimiser and the way in which a batch reaches it."""

    def __init__(self, torch, batch, channels_last):
        self.torch = torch
        self.batch = batch
        self.channels_last = channels_last
        self.net = build_net(torch)
        self.optimizer = torch.optim.Adam(
            self.net.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-7
        )
        self.loss = torch.nn.CrossEntropyLoss()
        self.first_step_seconds = None

    def gather(self, images, chosen):
        scaled = images[chosen].to(self.torch.float32).mul_(1 / 255).permute(0, 3, 1, 2)
        return scaled if self.channels_last else scaled.contiguous()

    def train_epoch(self, images, labels):
        start = time.perf_counter()
        order = self.torch.randperm(len(images))
        loss_sum = 0.0
        correct = 0
        for chosen in order.split(self.batch):
            expected = labels[chosen]
            logits = self.net(self.gather(images, chosen))
            loss = self.loss(logits, expected)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            if self.first_step_seconds is None:
                self.first_step_seconds = seconds_since_start()
            loss_sum += loss.item() * len(chosen)
            correct += (logits.argmax(1) == expected).sum().item()
        seconds = time.perf_counter() - start
        return seconds, loss_sum / len(images), correct / len(images)

    def accuracy(self, images, labels):
        correct = 0
        with self.torch.no_grad():
            for chosen in self.torch.arange(len(images)).split(self.batch):
                logits = self.net(self.gather(images, chosen))
                correct += (logits.argmax(1) == labels[chosen]).sum().item()
        return correct / len(images)


def main():
    arguments = parse_arguments()
    import numpy
    import torch

    if not arguments.default_settings:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    train_files = [f"data_batch_{number}.bin" for number in range(1, 6)]
    train = read_files(numpy, torch, arguments.data, train_files, arguments.limit)
    test = None
    if arguments.evaluate:
        test = read_files(numpy, torch, arguments.data, ["test_batch.bin"], IMAGES_PER_FILE)
    trainer = Trainer(torch, arguments.batch, not arguments.default_settings)
    settings = ", ".join(
        [
            "as it comes: channels first"
            if arguments.default_settings
            else f"best: channels last, {arguments.threads} threads",
            f"BLAS {blas_library()}",
        ]
        + [f"{name}={os.environ[name]}" for name in PROCESS_VARIABLES if name in os.environ]
    )
    print(f"pytorch {torch.__version__}: {settings}", file=sys.stderr)
    for epoch in range(1, arguments.epochs + 1):
        seconds, loss, accuracy = trainer.train_epoch(*train)
        if not math.isfinite(loss):
            sys.exit(f"pytorch: the loss of epoch {epoch} is {loss}")
        test_accuracy = trainer.accuracy(*test) if test else None
        row = {
            "peer": "pytorch",
            "version": torch.__version__,
            "settings": settings,
            "epoch": epoch,
            "seconds": seconds,
            "images_per_second": len(train[0]) / seconds,
            "loss": loss,
            "accuracy": accuracy,
            "test_accuracy": test_accuracy,
        }
        print(
            f"epoch {epoch}: {seconds:.2f} s, {row['images_per_second']:.0f} images/s,"
            f" loss {loss:.4f}, accuracy {accuracy:.4f}, test accuracy {test_accuracy}",
            file=sys.stderr,
        )
        print(json.dumps(row), flush=True)
    last = {
        "peer": "pytorch",
        "first_step_seconds": trainer.first_step_seconds,
        "peak_rss_mb": peak_resident_megabytes(),
    }
    print(json.dumps(last), flush=True)


if __name__ == "__main__":
    main()
