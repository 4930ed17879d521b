"""What the peers of a GPU host share: options, images, the net's numbers, the course of a measurement, rows.

Standard library only. A peer is a module with NAME, MODES, version(), device(name) and Trainer; see
pytorch_peer.py. Every combination of mode, precision and batch size becomes one line of JSON on
standard output: first it is built and warmed up (setup_seconds: compiling, choosing algorithms,
capturing), then its first losses are held against a reference, then epochs are timed from the initial weights.
"""

import argparse
import gc
import itertools
import json
import math
import os
import random
import sys
import time
import traceback

SIDE, CHANNELS, CLASSES = 32, 3, 10
PIXELS = CHANNELS * SIDE * SIDE
TRAIN_IMAGES, TEST_IMAGES, IMAGES_A_FILE = 50_000, 10_000, 10_000
LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-7

# Name, shape (outputs first) and fan-in and fan-out of every weight; biases are zero at first.
WEIGHTS = (
    ("conv1", (32, 3, 3, 3), 27, 288),
    ("conv2", (64, 32, 3, 3), 288, 576),
    ("fc1", (128, 2304), 2304, 128),
    ("fc2", (10, 128), 128, 10),
)
PRECISIONS = ("float32", "bf16", "tf32")

# The losses of the first steps may differ from the reference's by so much, relatively: the first two,
# and those after them. The first two are of one update at most, which in float32 leaves them within
# 2e-7, while factors rounded to TF32 move the second by 1e-5 to 4e-4: the bound between tells TF32 that
# nobody asked for. Later Adam has divided gradients near 0 by themselves, so that float32 rounding alone
# has been seen to grow to 3.4e-4.
CHECK_STEPS = 8
EARLY_STEPS = 2
BOUNDS = {"float32": (4e-6, 1e-3), "tf32": (1e-2, 1e-2), "bf16": (2e-2, 2e-2)}


def parse_arguments(name, modes):
    parser = argparse.ArgumentParser(description=f"time training of the reference net with {name}")
    parser.add_argument("--data", help="cifar-10-batches-bin; without it, synthetic images")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--modes", default=",".join(modes), help="any of %(default)s")
    parser.add_argument("--precisions", default=",".join(PRECISIONS), help="any of %(default)s")
    parser.add_argument("--batches", default="64,1024,256", help="%(default)s")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=TRAIN_IMAGES, help="first N images of each part")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin nothing after these")
    options = parser.parse_args()
    options.modes = chosen(parser, "--modes", options.modes, modes)
    options.precisions = chosen(parser, "--precisions", options.precisions, PRECISIONS)
    options.batches = [int(text) for text in options.batches.split(",")]
    options.limit = min(options.limit, TRAIN_IMAGES)
    least = max(options.batches) * CHECK_STEPS
    if min(options.batches) < 1 or options.epochs < 1 or options.limit < least:
        parser.error(f"batches and epochs are at least 1; --limit at least {least}, {CHECK_STEPS} steps")
    return options


def chosen(parser, option, text, known):
    names = text.split(",")
    for name in names:
        if name not in known:
            parser.error(f"{option}: {name} is none of {', '.join(known)}")
    return names


def records(folder, names, limit):
    """Records of the binary format: a byte of label, then 3 planes of 32 x 32 bytes."""
    content = bytearray()
    for name in names:
        wanted = min(limit, IMAGES_A_FILE) * (PIXELS + 1)
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            part = file.read(wanted)
        if len(part) != wanted:
            sys.exit(f"{path} is too short: expected {wanted} bytes, got {len(part)}")
        content += part
        limit -= min(limit, IMAGES_A_FILE)
        if limit == 0:
            break
    return content


def synthetic_records(count, seed):
    """Records of noise, but the blue plane is the class's own; so a net can learn them."""
    rng = random.Random(0)
    planes = [bytes(rng.getrandbits(8) for _ in range(SIDE * SIDE)) for _ in range(CLASSES)]
    rng = random.Random(seed)
    content = bytearray()
    for _ in range(count):
        label = rng.randrange(CLASSES)
        noise = rng.getrandbits(8 * (PIXELS - SIDE * SIDE)).to_bytes(PIXELS - SIDE * SIDE, "little")
        content += bytes([label]) + noise + planes[label]
    return content


def read_images(options):
    """Training and test records, and the name of the data set."""
    test = min(TEST_IMAGES, options.limit)
    if options.data is None:
        train = synthetic_records(options.limit, 1)
        return train, synthetic_records(test, 2), "synthetic"
    files = [f"data_batch_{number}.bin" for number in range(1, 6)]
    train = records(options.data, files, options.limit)
    return train, records(options.data, ["test_batch.bin"], test), "cifar10"


def initial_weights(seed):
    """Glorot-uniform numbers by name, the same for every peer."""
    rng = random.Random(seed)
    weights = {}
    for name, shape, fan_in, fan_out in WEIGHTS:
        bound = math.sqrt(6 / (fan_in + fan_out))
        weights[name] = [rng.uniform(-bound, bound) for _ in range(math.prod(shape))]
    return weights


def first_order(count):
    """The order of the images in the check of the losses."""
    order = list(range(count))
    random.Random(7).shuffle(order)
    return order


class NotHere(Exception):
    """This device or version cannot run a configuration."""


class CheckFailed(Exception):
    """The losses of a configuration are not those of the reference."""


def check(trainer, reference, precision):
    losses = trainer.first_losses(CHECK_STEPS)
    apart = [abs(a - b) / b if math.isfinite(a) else math.inf for a, b in zip(losses, reference)]
    worst = max(apart[:EARLY_STEPS]), max(apart[EARLY_STEPS:])
    found = {
        "losses": [round(loss, 6) for loss in losses],
        "reference": [round(loss, 6) for loss in reference],
        "worst_relative_difference": [one if math.isfinite(one) else None for one in worst],
        "bound": BOUNDS[precision],
    }
    if any(not one <= bound for one, bound in zip(worst, BOUNDS[precision])):
        raise CheckFailed(f"losses differ from the reference's: {json.dumps(found)}")
    return found


def measure(peer, data, options, mode, precision, batch, references):
    begin = time.perf_counter()
    trainer = peer.Trainer(data, mode, precision, batch, options)
    trainer.warm_up()
    setup = time.perf_counter() - begin
    if batch not in references:
        references[batch] = peer.reference_losses(data, batch, options, CHECK_STEPS)
    row = {"settings": trainer.settings, "setup_seconds": setup}
    row["check"] = check(trainer, references[batch], precision)
    trainer.reset()
    row["epochs"] = []
    for epoch in range(1, options.epochs + 1):
        begin = time.perf_counter()
        loss, accuracy = trainer.train_epoch(epoch)  # returns when the device is done
        seconds = time.perf_counter() - begin
        if not math.isfinite(loss):
            raise CheckFailed(f"the loss of epoch {epoch} is {loss}")
        row["epochs"].append(
            {
                "epoch": epoch,
                "seconds": seconds,
                "images_per_second": options.limit / seconds,
                "loss": loss,
                "accuracy": accuracy,
                "test_accuracy": trainer.test_accuracy(),
            }
        )
    return row


def run(peer):
    """The main program of a peer; exit code 1 if a configuration failed."""
    start = time.monotonic()
    options = parse_arguments(peer.NAME, peer.MODES)
    device = peer.device(options.device)
    train, test, data_set = read_images(options)
    data = peer.load(train, test, options.device)
    references, took, failed = {}, {}, False
    # The quickest modes first, so that what has no time left is what compiles longest.
    for modes in peer.groups(options.modes):
        for batch, precision, mode in itertools.product(options.batches, options.precisions, modes):
            row = {
                "peer": peer.NAME,
                "version": peer.version(),
                "device": device,
                "data": data_set,
                "images": options.limit,
                "mode": mode,
                "precision": precision,
                "batch": batch,
                "seed": options.seed,
            }
            begin = time.monotonic()
            left = options.seconds - (begin - start)
            if took.get(mode, 1) > left:
                row["left_out"] = f"{left:.0f} of {options.seconds:.0f} s were left"
            else:
                try:
                    row.update(measure(peer, data, options, mode, precision, batch, references))
                except NotHere as reason:
                    row["left_out"] = str(reason)
                except Exception as error:  # one configuration that fails leaves the others
                    failed = True
                    row["error"] = f"{type(error).__name__}: {error}"[:2000]
                    traceback.print_exc()
                took[mode] = time.monotonic() - begin
            gc.collect()
            peer.forget()
            print(json.dumps(row), flush=True)
            print(f"{peer.NAME} {mode} {precision} batch {batch}: {summary(row)}", file=sys.stderr)
    return 1 if failed else 0


def summary(row):
    if "epochs" not in row:
        return row.get("error") or f"left out: {row['left_out']}"
    last = row["epochs"][-1]
    return (
        f"set up in {row['setup_seconds']:.1f} s, last epoch {last['seconds']:.3f} s,"
        f" loss {last['loss']:.4f}, test accuracy {last['test_accuracy']:.4f}"
    )
