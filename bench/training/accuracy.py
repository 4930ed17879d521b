#!/usr/bin/env python3
"""Test accuracy after some epochs over several seeds, Gridstride against Debian's PyTorch.

    bench/training/accuracy.py --data DIR [--recipes article,tuned] [--seeds 1,2,3] [--epochs 10]
        [--pytorch] --json FILE

Prints a Markdown table of the mean and the single runs, and writes every run to FILE. Validation runs after
every epoch, as in the article; nothing is chosen by it: the figure is that of the last epoch. Seconds to an
accuracy are those of training, without evaluation and start, until the test images after an epoch reach it.
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile

import compare

# Every stack's runs of the article's recipe pass it within ten epochs.
GOAL = 0.65

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def shown(call, data, scratch=None):
    """The command as a reader can use it."""
    text = " ".join(call).replace(ROOT + "/", "").replace(data, "$DATA")
    return text.replace(scratch, "$TMP") if scratch else text


def gridstride(command, data, recipe, seed, epochs):
    with tempfile.TemporaryDirectory() as out:
        result = os.path.join(out, "result.json")
        call = command.split() + [
            "train", "--dataset", "cifar10", "--data", data, "--device", "cpu",
            "--recipe", recipe, "--epochs", str(epochs), "--seed", str(seed),
            "--no-progress", "--out", os.path.join(out, "run"), "--json", result,
        ]
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
        with open(result) as file:
            run = json.load(file)
        curve = [[epoch["seconds"], epoch["val_accuracy"]] for epoch in run["epochs"]]
        return run["test"]["accuracy"], curve, shown(call, data, out)


def pytorch(data, seed, epochs):
    call = [
        "/usr/bin/python3", os.path.join(ROOT, "bench/peers/pytorch/train.py"), "--data", data,
        "--epochs", str(epochs), "--batch", "64", "--threads", "2", "--seed", str(seed), "--evaluate",
    ]
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1")
    done = subprocess.run(
        call, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    curve = [[row["seconds"], row["test_accuracy"]] for row in rows if "epoch" in row]
    return curve[epochs - 1][1], curve, shown(call, data)


def seconds_to(goal, curve):
    """Seconds of training until the test accuracy after an epoch is this; None if it never was."""
    total = 0
    for seconds, accuracy in curve:
        total += seconds
        if accuracy >= goal:
            return total
    return None


def table(rows):
    """A line a group: the mean over the seeds, each seed's figure, and where known the seconds to GOAL."""
    groups = {}
    for row in rows:
        groups.setdefault(row["who"], []).append(row)
    timed = any("curve" in row for row in rows)
    lines = ["| who | test accuracy, mean | single seeds |", "| --- | ---: | --- |"]
    if timed:
        lines = [lines[0] + f" s to {100 * GOAL:.0f} %, median |", lines[1] + " ---: |"]
    for who, runs in groups.items():
        values = [run["test_accuracy"] for run in runs]
        singles = ", ".join(f"{100 * value:.2f}" for value in values)
        line = f"| {who} | {100 * statistics.mean(values):.2f} % | {singles} |"
        if timed:
            times = [seconds_to(GOAL, run.get("curve", [])) for run in runs]
            line += f" {statistics.median(times):.1f} |" if None not in times else " - |"
        lines.append(line)
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder cifar-10-batches-bin or its parent")
    parser.add_argument("--recipes", default="article,tuned")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--pytorch", action="store_true", help="train the article's net with PyTorch too")
    parser.add_argument("--gridstride", default=os.path.join(ROOT, "java/bin/gridstride"))
    parser.add_argument("--data-note", default="", help="what the data are, to stand in FILE")
    parser.add_argument("--json", required=True, help="receives every run")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    jobs = [(f"gridstride, {recipe}", recipe, seed)
            for recipe in options.recipes.split(",") if recipe for seed in seeds]
    if options.pytorch:
        jobs += [("pytorch 1.13.1, article", None, seed) for seed in seeds]
    machine = compare.machine()
    rows = []
    for who, recipe, seed in jobs:
        if recipe is None:
            accuracy, curve, call = pytorch(options.data, seed, options.epochs)
        else:
            accuracy, curve, call = gridstride(options.gridstride, options.data, recipe, seed, options.epochs)
        rows.append({"who": who, "seed": seed, "epochs": options.epochs,
                     "test_accuracy": accuracy, "curve": curve, "command": call})
        print(f"{who}, seed {seed}: {100 * accuracy:.2f} %", file=sys.stderr)
        with open(options.json, "w") as file:
            json.dump({"date": datetime.date.today().isoformat(), "machine": machine,
                       "data": options.data_note, "rows": rows}, file, indent=1)
    print(table(rows))


if __name__ == "__main__":
    main()
