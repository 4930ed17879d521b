#!/usr/bin/env python3
"""Golden values for the reference backend, worked out without it.

    python3 java/src/test/resources/golden/golden.py > java/src/test/resources/golden/golden.txt

Standard library only. Everything is computed with 60 decimal digits. Gradients are no derived
formulas: each is a central difference of the loss with a step of 1e-20, whose error of about
1e-40 is far below what a double holds. Forward passes are written from the textbook definitions.
Options such as beta1 are the float32 nearest to the number named, as in the ops.
"""

import struct
from decimal import Decimal, getcontext

getcontext().prec = 60
STEP = Decimal("1e-20")


def float32(number):
    """The exact value of the float32 nearest to a number."""
    return Decimal(struct.unpack("<f", struct.pack("<f", number))[0])


BETA1, BETA2, EPSILON = float32(0.9), float32(0.999), float32(1e-7)


def adam(weight, gradient, state, step, rate):
    """Algorithm 1 of Kingma and Ba (2015)."""
    m, v = state
    m = BETA1 * m + (1 - BETA1) * gradient
    v = BETA2 * v + (1 - BETA2) * gradient * gradient
    m_hat = m / (1 - BETA1 ** (step + 1))
    v_hat = v / (1 - BETA2 ** (step + 1))
    return weight - rate * m_hat / (v_hat.sqrt() + EPSILON), (m, v)


def adam_of_a_scalar():
    """w = 1, gradients 0.5, -0.25, 2 and learning rate 0.125 (all exact in binary)."""
    weight, state = Decimal(1), (Decimal(0), Decimal(0))
    for step, gradient in enumerate([Decimal("0.5"), Decimal("-0.25"), Decimal(2)]):
        weight, state = adam(weight, gradient, state, step, Decimal("0.125"))
        show(f"adam.{step}", [weight, *state])


# The tiny net: 2 images of 1x5x5, convolution 3x3 to 2 channels with bias, ReLU, max pooling 2 with
# stride 1 (which overlaps), dense to 3 with bias, softmax, cross-entropy, Adam.
SIZES = {"conv.weight": 18, "conv.bias": 2, "dense.weight": 24, "dense.bias": 3}
LABELS = [2, 0]
RATE = Decimal("0.0625")


def pattern(count, factor, offset):
    """Multiples of 1/32 between -0.5 and 0.5 in an order without much pattern."""
    return [Decimal((i * factor + offset) % 33 - 16) / 32 for i in range(count)]


def convolve(image, weight, bias):
    return [
        [
            [
                bias[o]
                + sum(
                    image[(p + r) * 5 + q + s] * weight[(o * 3 + r) * 3 + s]
                    for r in range(3)
                    for s in range(3)
                )
                for q in range(3)
            ]
            for p in range(3)
        ]
        for o in range(2)
    ]


def probabilities(image, weights):
    maps = convolve(image, weights["conv.weight"], weights["conv.bias"])
    maps = [[[max(v, Decimal(0)) for v in row] for row in m] for m in maps]
    features = [
        max(m[p][q], m[p][q + 1], m[p + 1][q], m[p + 1][q + 1])
        for m in maps
        for p in range(2)
        for q in range(2)
    ]
    logits = [
        weights["dense.bias"][k]
        + sum(f * weights["dense.weight"][k * 8 + i] for i, f in enumerate(features))
        for k in range(3)
    ]
    exponentials = [v.exp() for v in logits]
    return [e / sum(exponentials) for e in exponentials]


def loss(images, weights):
    return -sum(
        probabilities(image, weights)[label].ln() for image, label in zip(images, LABELS)
    ) / len(LABELS)


def difference(images, weights, name, i):
    values = []
    for sign in (1, -1):
        moved = {key: list(value) for key, value in weights.items()}
        moved[name][i] += sign * STEP
        values.append(loss(images, moved))
    return (values[0] - values[1]) / (2 * STEP)


def tiny_net():
    images = [pattern(25, 7, 3), pattern(25, 10, 5)]
    weights = {
        name: pattern(count, 5 + 2 * i, 4 + 3 * i) for i, (name, count) in enumerate(SIZES.items())
    }
    states = {name: [(Decimal(0), Decimal(0))] * count for name, count in SIZES.items()}
    show("net.images", images[0] + images[1])
    for name, values in weights.items():
        show(f"net.initial.{name}", values)
    for step in range(3):
        show(f"net.loss.{step}", [loss(images, weights)])
        gradients = {
            name: [difference(images, weights, name, i) for i in range(count)]
            for name, count in SIZES.items()
        }
        for name, count in SIZES.items():
            show(f"net.gradient.{step}.{name}", gradients[name])
            for i in range(count):
                weights[name][i], states[name][i] = adam(
                    weights[name][i], gradients[name][i], states[name][i], step, RATE
                )
    for name, values in weights.items():
        show(f"net.final.{name}", values)


def show(name, values):
    print(name, " ".join(f"{v:.20e}" for v in values))


if __name__ == "__main__":
    adam_of_a_scalar()
    tiny_net()
