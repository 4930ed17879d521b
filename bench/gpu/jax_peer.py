#!/usr/bin/env python3
"""Times training of the reference net with JAX on a GPU, in two modes.

jit   one compiled program a step (gather, forward, backward, Adam, sums), its state donated
scan  one compiled program an epoch: lax.scan over the full batches; the last, smaller one by itself

Images on the device as bytes, N, H, W, C. float32 is matmul precision "highest", that is without TF32; tf32 is
"tensorfloat32"; bf16 computes convolutions, products and maps in bfloat16 on float32 weights. 2x2
pooling is a reshape and a maximum, which XLA differentiates into cheaper code than its window
reduction; that shares a tied gradient, but ties are between zeros, whose gradient ReLU drops.
"""

import functools
import os
import sys
import types

# Memory as it is needed, so that a peer before this one need not have left the card empty.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.numpy as jnp
import numpy

import peer

NAME = "jax"
MODES = ("scan", "jit")
MATMUL_PRECISION = {"float32": "highest", "tf32": "tensorfloat32", "bf16": "default"}


def version():
    return jax.__version__


def groups(modes):
    return [modes]


def device(name):
    kind = "gpu" if name == "cuda" else name
    try:
        found = jax.devices(kind)[0]
    except RuntimeError as error:
        sys.exit(f"JAX sees no {name} device: {error}; --device cpu runs the same code on the processor")
    jax.config.update("jax_default_device", found)
    return found.device_kind


def forget():
    jax.clear_caches()


def load(train, test, name):
    """Images N, H, W, C as bytes, and labels, on the device."""

    def split(content):
        table = numpy.frombuffer(content, numpy.uint8).reshape(-1, peer.PIXELS + 1)
        planes = table[:, 1:].reshape(-1, peer.CHANNELS, peer.SIDE, peer.SIDE)
        images = numpy.ascontiguousarray(planes.transpose(0, 2, 3, 1))
        return jnp.asarray(images), jnp.asarray(table[:, 0].astype(numpy.int32))

    return types.SimpleNamespace(train=split(train), test=split(test), device=name)


def initial_parameters(seed):
    """Weights in the order that XLA's convolutions and products take here; biases zero."""
    numbers = peer.initial_weights(seed)
    parameters = {}
    for name, shape, _, _ in peer.WEIGHTS:
        weight = numpy.asarray(numbers[name], numpy.float32).reshape(shape)
        if name == "fc1":  # the map is flattened as H, W, C here, and as C, H, W in the numbers
            weight = weight.reshape(128, 64, 6, 6).transpose(0, 2, 3, 1).reshape(shape)
        axes = (2, 3, 1, 0) if len(shape) == 4 else (1, 0)
        parameters[name] = jnp.asarray(weight.transpose(axes))
        parameters[name + "_bias"] = jnp.zeros(shape[0], jnp.float32)
    return parameters


def fresh_state(seed):
    parameters = initial_parameters(seed)
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    return {
        "parameters": parameters,
        "mean": zeros(),
        "square": zeros(),
        "step": jnp.zeros((), jnp.int32),
        "loss_sum": jnp.zeros((), jnp.float32),
        "hits": jnp.zeros((), jnp.int32),
    }


def pooled(maps):
    count, height, width, channels = maps.shape
    maps = maps[:, : height // 2 * 2, : width // 2 * 2]
    return maps.reshape(count, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def logits_of(parameters, pixels, number_type):
    def part(name):
        return parameters[name].astype(number_type), parameters[name + "_bias"].astype(number_type)

    def convolution(maps, name):
        weight, bias = part(name)
        layout = ("NHWC", "HWIO", "NHWC")
        maps = jax.lax.conv_general_dilated(maps, weight, (1, 1), "VALID", dimension_numbers=layout)
        return pooled(jax.nn.relu(maps + bias))

    maps = pixels.astype(number_type) * number_type(1 / 255)
    maps = convolution(convolution(maps, "conv1"), "conv2")
    weight, bias = part("fc1")
    hidden = jax.nn.relu(maps.reshape(len(maps), -1) @ weight + bias)
    weight, bias = part("fc2")
    return (hidden @ weight + bias).astype(jnp.float32)


def loss_of(parameters, pixels, labels, number_type):
    logits = logits_of(parameters, pixels, number_type)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    return -chosen.mean(), (logits.argmax(1) == labels).sum()


def train_step(state, images, labels, chosen, number_type):
    """The next state and the loss; Adam as Kingma and Ba's Algorithm 1 has it."""
    gradient = jax.value_and_grad(functools.partial(loss_of, number_type=number_type), has_aux=True)
    (loss, hits), gradients = gradient(state["parameters"], images[chosen], labels[chosen])
    step = state["step"] + 1
    beta1, beta2 = peer.BETA1, peer.BETA2
    mean = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, state["mean"], gradients)
    square = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, state["square"], gradients)
    rate = peer.LEARNING_RATE / (1 - beta1**step)
    scale = 1 / (1 - beta2**step)

    def moved(parameter, m, v):
        return parameter - rate * m / (jnp.sqrt(v * scale) + peer.EPSILON)

    return {
        "parameters": jax.tree.map(moved, state["parameters"], mean, square),
        "mean": mean,
        "square": square,
        "step": step,
        "loss_sum": state["loss_sum"] + loss * len(chosen),
        "hits": state["hits"] + hits.astype(jnp.int32),
    }, loss


def reference_losses(data, batch, options, steps):
    """The same formulas on the processor, op by op, in float32 with nothing rounded further."""
    processor = jax.devices("cpu")[0]
    images, labels = (numpy.asarray(part) for part in data.train)
    order = numpy.asarray(peer.first_order(options.limit))
    losses = []
    with jax.default_device(processor), jax.default_matmul_precision("highest"):
        state = jax.device_put(fresh_state(options.seed), processor)
        for number in range(steps):
            chosen = order[number * batch : (number + 1) * batch]
            part = jnp.arange(batch)
            state, loss = train_step(
                state, jnp.asarray(images[chosen]), jnp.asarray(labels[chosen]), part, jnp.float32
            )
            losses.append(float(loss))
    return losses


class Trainer:
    """The compiled programs of a mode, and the state that they hand on."""

    def __init__(self, data, mode, precision, batch, options):
        if data.device == "cpu" and precision == "tf32":
            raise peer.NotHere("tf32 needs a CUDA device")
        self.data, self.mode, self.precision = data, mode, precision
        self.batch, self.seed, self.images = batch, options.seed, options.limit
        self.rest = self.images % batch
        self.full = self.images // batch
        number_type = jnp.bfloat16 if precision == "bf16" else jnp.float32
        step = functools.partial(train_step, number_type=number_type)
        self.settings = f"N, H, W, C, data on the device, matmul precision {MATMUL_PRECISION[precision]}"

        def one(state, images, labels, order, at, count):
            return step(state, images, labels, jax.lax.dynamic_slice(order, (at,), (count,)))

        def all_full(state, images, labels, order):
            rows = order[: self.full * batch].reshape(self.full, batch)
            return jax.lax.scan(lambda s, row: step(s, images, labels, row), state, rows)

        self.one = jax.jit(one, static_argnames="count", donate_argnames="state")
        self.all_full = jax.jit(all_full, donate_argnames="state")
        self.shuffled = jax.jit(lambda key: jax.random.permutation(key, self.images))
        self.hits_of = jax.jit(
            lambda parameters, pixels, labels: (
                logits_of(parameters, pixels, number_type).argmax(1) == labels
            ).sum()
        )
        self.reset()

    def reset(self):
        self.state = jax.block_until_ready(fresh_state(self.seed))

    def warm_up(self):
        for _ in range(2):
            self.train_epoch(0)
            self.reset()
        self.test_accuracy()

    def run_step(self, order, at, count):
        with jax.default_matmul_precision(MATMUL_PRECISION[self.precision]):
            self.state, loss = self.one(self.state, *self.data.train, order, at, count)
        return loss

    def run_full(self, order):
        """All full batches; their losses."""
        if self.mode == "scan":
            with jax.default_matmul_precision(MATMUL_PRECISION[self.precision]):
                self.state, losses = self.all_full(self.state, *self.data.train, order)
            return losses
        return [self.run_step(order, n * self.batch, self.batch) for n in range(self.full)]

    def first_losses(self, steps):
        self.reset()
        order = jnp.asarray(peer.first_order(self.images), jnp.int32)
        return [float(loss) for loss in self.run_full(order)[:steps]]

    def train_epoch(self, epoch):
        zero = jnp.zeros((), jnp.float32)
        self.state.update(loss_sum=zero, hits=jnp.zeros((), jnp.int32))
        order = self.shuffled(jax.random.key(self.seed + epoch))
        self.run_full(order)
        if self.rest:
            self.run_step(order, self.full * self.batch, self.rest)
        jax.block_until_ready(self.state)
        return float(self.state["loss_sum"]) / self.images, int(self.state["hits"]) / self.images

    def test_accuracy(self):
        images, labels = self.data.test
        with jax.default_matmul_precision(MATMUL_PRECISION[self.precision]):
            hits = [
                self.hits_of(self.state["parameters"], images[at : at + 1000], labels[at : at + 1000])
                for at in range(0, len(labels), 1000)
            ]
        return int(sum(hits)) / len(labels)


if __name__ == "__main__":
    sys.exit(peer.run(sys.modules[__name__]))
