#!/usr/bin/python3
"""Writes the tables between the results markers of README.md from the files in bench/results.

    bench/tables.py           rewrites README.md
    bench/tables.py --check   exit code 1 if README.md differs from the files
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
README = ROOT / "README.md"
BEGIN, END = "<!-- results -->", "<!-- /results -->"

sys.path.insert(0, str(ROOT / "bench" / "training"))
sys.path.insert(0, str(ROOT / "bench" / "gpu"))
import accuracy  # noqa: E402
import compare  # noqa: E402
import summary  # noqa: E402


def accuracy_table(result):
    epochs = max(row["epochs"] for row in result["rows"])
    note = f"After {epochs} epochs, the last one's figure. {result['data']} {result['date']}."
    return accuracy.table(result["rows"]) + "\n\n" + note


def section():
    parts = ["### Speed", ""]
    for file in sorted(RESULTS.glob("*/training*.json"), key=lambda f: (f.parent, len(f.name))):
        parts += [compare.table(json.loads(file.read_text())), "", f"Raw: `{file.relative_to(ROOT)}`.", ""]
    parts += ["### Accuracy", ""]
    for file in sorted(RESULTS.glob("*/accuracy*.json")):
        parts += [accuracy_table(json.loads(file.read_text())), "", f"Raw: `{file.relative_to(ROOT)}`.", ""]
    measured = sorted(RESULTS.glob("*/parts.tsv"))
    if measured:
        parts += ["### Training on a GPU", ""]
    for file in measured:
        folder = file.parent
        parts += [summary.table(folder), f"Raw: `{folder.relative_to(ROOT)}`.", ""]
    return "\n".join(parts)


def main(arguments):
    text = README.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    wanted = before + BEGIN + "\n" + section() + END + after
    if arguments == ["--check"]:
        return 0 if text == wanted else 1
    README.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
