#!/usr/bin/env python3
"""The training table of a folder that bench-gpu left, as Markdown.

    summary.py FOLDER

An epoch's time is the median of the epochs after the first. The ratio is to the fastest row of
PyTorch in the same precision and with the same batch size. "start or set-up" is from the start of the
process to the end of the first step for Gridstride, and building, compiling and capturing for the peers. "to 65 %" is training time, without
evaluation, start and compiling, until the test accuracy after an epoch first reached that.
"""

import json
import pathlib
import statistics
import sys

GOAL = 0.65
HEADS = (
    *("who", "how", "precision", "batch", "s/epoch, median (min-max)", "images/s"),
    *("time / best PyTorch", "s to 65 %", "start or set-up, s", "loss", "test accuracy"),
)


def own_rows(folder):
    for file in sorted(folder.glob("training/*.json")):
        run = json.loads(file.read_text())
        if not run.get("epochs"):
            continue
        how = [file.stem.split("-")[0], f"{run['steps_per_launch']} steps a launch", f"seed {run['seed']}"]
        yield {
            "who": f"gridstride {run['gridstride']}",
            "how": ", ".join(how),
            "precision": run["precision"],
            "batch": run["batch"],
            "setup": run.get("first_step_seconds"),
            "epochs": [{**epoch, "test_accuracy": epoch["val_accuracy"]} for epoch in run["epochs"]],
        }


def peer_rows(folder):
    for file in sorted(folder.glob("peers/*.jsonl")):
        for line in file.read_text().splitlines():
            # A program that was stopped may leave half a line.
            run = json.loads(line) if line.endswith("}") else {}
            if run.get("epochs"):
                yield {
                    "who": f"{run['peer']} {run['version']}",
                    "how": run["mode"],
                    "precision": run["precision"],
                    "batch": run["batch"],
                    "setup": run["setup_seconds"],
                    "epochs": run["epochs"],
                }


def seconds(row):
    return [epoch["seconds"] for epoch in row["epochs"][1:] or row["epochs"]]


def seconds_to_goal(row):
    total = 0
    for epoch in row["epochs"]:
        total += epoch["seconds"]
        if epoch["test_accuracy"] is not None and epoch["test_accuracy"] >= GOAL:
            return f"{total:.2f}"
    return "-"


def best_pytorch(rows):
    best = {}
    for row in rows:
        if row["who"].startswith("pytorch"):
            key = row["precision"], row["batch"]
            best[key] = min(best.get(key, float("inf")), statistics.median(seconds(row)))
    return best


def cells(row, best):
    median = statistics.median(seconds(row))
    last = row["epochs"][-1]
    images = statistics.median(epoch["images_per_second"] for epoch in row["epochs"][1:] or row["epochs"])
    peer = best.get((row["precision"], row["batch"]))
    return [
        *(row["who"], row["how"], row["precision"], str(row["batch"])),
        f"{median:.3f} ({min(seconds(row)):.3f}-{max(seconds(row)):.3f})",
        f"{images:,.0f}",
        f"{median / peer:.2f}" if peer else "-",
        seconds_to_goal(row),
        "-" if row["setup"] is None else f"{row['setup']:.1f}",
        f"{last['loss']:.3f}",
        "-" if last["test_accuracy"] is None else f"{100 * last['test_accuracy']:.2f} %",
    ]


def table(folder):
    rows = [*own_rows(folder), *peer_rows(folder)]
    best = best_pytorch(rows)
    rows.sort(key=lambda row: (row["batch"], row["precision"], statistics.median(seconds(row))))
    aligned = ["---"] * 3 + ["---:"] * (len(HEADS) - 3)
    lines = [list(HEADS), aligned] + [cells(row, best) for row in rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return text + "\n\n" + describe(folder) + failures(folder) + "\n"


def failures(folder):
    """The parts that did not end well, by what became of them."""
    found = {}
    for line in (folder / "parts.tsv").read_text().splitlines()[1:]:
        name, rc, _, limit, command = line.split("\t")
        if rc != "0":
            why = {"-": f"Left out, {command}", "124": f"Stopped after {limit} s"}
            found.setdefault(why.get(rc, f"Failed with {rc}"), []).append(name)
    return "".join(f" {why}: {', '.join(names)}." for why, names in found.items())


def describe(folder):
    """What the figures depend on, in a line; machine.txt has the rest."""
    wanted = ("cpu: ", "processors: ", "glibc ", "device: ", "data: ", "quick: ")
    lines = (folder / "machine.txt").read_text().splitlines()
    facts = [line for line in lines if line.startswith(wanted)]
    for file in sorted(folder.glob("training/own-*.json"))[:1]:
        facts.append(json.loads(file.read_text()).get("device", ""))
    said = "; ".join([lines[0], *facts]) + "."
    if "device: sim" in lines:
        said = "**A simulated device: its times are no measure of a card.** " + said
    return said


if __name__ == "__main__":
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1], "parts.tsv").is_file():
        sys.exit("usage: summary.py FOLDER, one that bench-gpu left")
    print(table(pathlib.Path(sys.argv[1])), end="")
