#!/usr/bin/python3
"""Times training of the reference net: Gridstride and its peers in turn, on one machine in one run.

    compare.py --data DIR --json FILE     runs everything, prints a Markdown table, keeps raw rows
    compare.py table FILE                 prints the table of a kept file again

Every run is a process of its own with the environment that suits it best. The order is A B C A B C,
so that a machine that grows slower or faster meets everyone. The first epoch of each process warms
up and is kept apart; the later ones are timed.
"""

import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = pathlib.Path("bench/peers")

# Variables that change how a stack runs. They are taken out of the environment first, so that only
# what a contender asks for reaches it.
TUNING_PREFIXES = (
    "GOMP_",
    "GOTO_",
    "KMP_",
    "MALLOC_",
    "MKL_",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "TF_",
)
TUNING_VARIABLES = ("LD_PRELOAD", "LD_LIBRARY_PATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")

# glibc returns big blocks to the kernel at once and faults them in again on the next step. These
# keep them; 32 MiB is the largest threshold that glibc takes.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "1073741824"}

# One thread for OpenBLAS, whose own pool would fight with libgomp's for the cores.
ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1"}

# libgomp's threads wait by spinning; beside another busy process a short spin is far better.
SHORT_SPIN = {"GOMP_SPINCOUNT": "2000"}

# Debian's reference BLAS, which python3-torch runs on where nothing better is installed.
REFERENCE_BLAS = ("/usr/lib/x86_64-linux-gnu/blas", "/usr/lib/x86_64-linux-gnu/lapack")

TRAIN_IMAGES = 50_000

# What is kept of every epoch.
EPOCH_MEMBERS = ("epoch", "seconds", "images_per_second", "loss", "accuracy", "test_accuracy")


@dataclasses.dataclass(frozen=True)
class Contender:
    """One row of the table: a program, and the environment in which it runs."""

    name: str
    program: tuple
    environment: dict = dataclasses.field(default_factory=dict)
    busy_environment: dict = dataclasses.field(default_factory=dict)
    arguments: tuple = ()
    # For one that is too slow for all images and rounds: only so many.
    most_images: int = TRAIN_IMAGES
    most_rounds: int = sys.maxsize


def java_peer(name):
    return ("java", "-jar", str(PEERS / name / "target" / f"gridstride-peers-{name}.jar"))


PYTORCH = ("/usr/bin/python3", str(PEERS / "pytorch" / "train.py"))


def contenders(threads):
    """All peers by name; a name that ends in -default is the peer as it comes."""
    team = {"OMP_NUM_THREADS": str(threads)}
    as_it_comes = ("--default-settings",)
    reference_blas = {}
    if all(os.path.isdir(folder) for folder in REFERENCE_BLAS):
        reference_blas = {"LD_LIBRARY_PATH": ":".join(REFERENCE_BLAS)}
    known = [
        Contender("onednn", java_peer("onednn"), team, SHORT_SPIN),
        Contender(
            "libtorch", java_peer("libtorch"), {**ONE_BLAS_THREAD, **KEEP_MEMORY}, SHORT_SPIN
        ),
        Contender("libtorch-default", java_peer("libtorch"), arguments=as_it_comes),
        Contender("pytorch", PYTORCH, {**ONE_BLAS_THREAD, **KEEP_MEMORY}, SHORT_SPIN),
        Contender("pytorch-default", PYTORCH, reference_blas, arguments=as_it_comes),
        Contender(
            "tensorflow", java_peer("tensorflow"), {"TF_ENABLE_ONEDNN_OPTS": "1", **KEEP_MEMORY}
        ),
        Contender("tensorflow-default", java_peer("tensorflow"), arguments=as_it_comes),
        Contender("djl", java_peer("djl"), KEEP_MEMORY, SHORT_SPIN),
        Contender("djl-default", java_peer("djl"), arguments=as_it_comes),
        Contender(
            "deeplearning4j",
            java_peer("deeplearning4j"),
            {**team, **ONE_BLAS_THREAD, **KEEP_MEMORY},
            SHORT_SPIN,
            most_images=6_400,
            most_rounds=1,
        ),
        Contender(
            "deeplearning4j-default",
            java_peer("deeplearning4j"),
            arguments=as_it_comes,
            most_images=6_400,
            most_rounds=1,
        ),
    ]
    return {contender.name: contender for contender in known}


class RunFailed(Exception):
    """A contender did not finish; the message says which and shows its last lines."""


def clean_environment():
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(TUNING_PREFIXES) and name not in TUNING_VARIABLES
    }


@contextlib.contextmanager
def other_process(wanted):
    """One process that keeps one core busy, if wanted."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def run_process(name, command, environment, scratch, limit):
    """Runs a command for so many seconds at most.

    Returns its standard output and its peak resident memory in MB of 2^20.
    """
    output = pathlib.Path(scratch, "stdout")
    errors = pathlib.Path(scratch, "stderr")
    with open(output, "wb") as out, open(errors, "wb") as err:
        try:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**clean_environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        except OSError as error:
            raise RunFailed(f"{name} cannot start: {error}") from error
        timer = threading.Timer(limit, process.kill)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            expired = not timer.is_alive()
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == -signal.SIGKILL and expired:
        raise RunFailed(f"{name} was ended after {limit:.0f} s, the rest of --budget")
    if process.returncode != 0:
        tail = "\n".join(errors.read_text(errors="replace").splitlines()[-15:])
        raise RunFailed(
            f"{name} ended with status {process.returncode}: {shlex.join(command)}\n{tail}"
        )
    return output.read_text(), usage.ru_maxrss / 1024


def keep_members(epoch, **renamed):
    everything = {**epoch, **renamed}
    return {member: everything[member] for member in EPOCH_MEMBERS}


def run_peer(contender, options, environment, scratch, limit):
    command = [
        *contender.program,
        *("--data", str(options.data), "--epochs", str(options.epochs)),
        *("--batch", str(options.batch), "--threads", str(options.threads)),
        *("--seed", str(options.seed), "--evaluate", *contender.arguments),
    ]
    images = min(options.limit or TRAIN_IMAGES, contender.most_images)
    if images < TRAIN_IMAGES:
        command += ["--limit", str(images)]
    text, peak = run_process(contender.name, command, environment, scratch, limit)
    rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    epochs = [row for row in rows if "epoch" in row]
    if len(epochs) != options.epochs:
        raise RunFailed(f"{contender.name}: expected {options.epochs} epochs, got {len(epochs)}")
    return command, {
        "version": epochs[0]["version"],
        "settings": epochs[0]["settings"],
        "images": images,
        "epochs": [keep_members(epoch) for epoch in epochs],
        "first_step_seconds": rows[-1]["first_step_seconds"],
        "peak_rss_mb": peak,
    }


def run_gridstride(contender, options, environment, scratch, limit):
    report = pathlib.Path(scratch, "gridstride.json")
    command = [
        *contender.program,
        *("train", "--dataset", "cifar10", "--data", str(options.data), "--device", "cpu"),
        *("--epochs", str(options.epochs), "--batch", str(options.batch)),
        *("--threads", str(options.threads), "--seed", str(options.seed), "--no-progress"),
        *("--json", str(report), "--out", str(pathlib.Path(scratch, "out"))),
    ]
    images = min(options.limit or TRAIN_IMAGES, TRAIN_IMAGES)
    if images < TRAIN_IMAGES:
        command += ["--limit", str(images)]
    _, peak = run_process(contender.name, command, environment, scratch, limit)
    result = json.loads(report.read_text())
    epochs = result["epochs"]
    if len(epochs) != options.epochs:
        raise RunFailed(f"gridstride: expected {options.epochs} epochs, got {len(epochs)}")
    return command, {
        "version": result.get("version"),
        "settings": f"--device cpu --threads {options.threads}",
        "images": images,
        "epochs": [keep_members(epoch, test_accuracy=epoch["val_accuracy"]) for epoch in epochs],
        "first_step_seconds": result.get("first_step_seconds"),
        "peak_rss_mb": peak,
    }


def machine():
    """What the figures depend on."""
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        fields = [line.split(":", 1) for line in cpuinfo if ":" in line]
    first = {}
    for key, value in fields:
        first.setdefault(key.strip(), value.strip())
    flags = first.get("flags", "").split()
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        memory_kb = int(meminfo.readline().split()[1])
    java = subprocess.run(
        ["java", "-version"], env=clean_environment(), capture_output=True, text=True, check=True
    )
    return {
        "cpu": first.get("model name", "unknown"),
        "vector_extensions": [flag for flag in ("avx2", "avx512f", "avx512_bf16") if flag in flags],
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": memory_kb // 1024,
        "kernel": platform.release(),
        "jdk": java.stderr.splitlines()[1],
        "glibc": platform.libc_ver()[1],
        "load_average_before": os.getloadavg()[0],
    }


def shown(command, options, scratch):
    """The command as a reader can use it, with this machine's folders named by variables."""
    text = shlex.join(command)
    return text.replace(str(options.data), "$DATA").replace(str(scratch), "$TMP")


def run_all(options, chosen):
    start = time.monotonic()
    took = {}
    result = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "epochs": options.epochs,
        "rounds": options.rounds,
        "batch": options.batch,
        "threads": options.threads,
        "seed": options.seed,
        "limit": options.limit,
        "budget_seconds": options.budget,
        "left_out": [],
        "failed": [],
        "runs": [],
    }
    for round_number in range(1, options.rounds + 1):
        for contender in chosen:
            if round_number > contender.most_rounds:
                continue
            for busy in (False, True) if options.busy else (False,):
                name = f"{contender.name}, {'busy' if busy else 'quiet'}"
                if any(failure["run"] == name for failure in result["failed"]):
                    continue
                # What a run took in an earlier round, it may well take again.
                left = options.budget - (time.monotonic() - start)
                if max(took.get(name, 0), 1) > left:
                    result["left_out"].append(f"{name}, round {round_number}")
                    print(f"left out: {result['left_out'][-1]}", file=sys.stderr)
                    keep(result, options)
                    continue
                begin = time.monotonic()
                try:
                    run = run_once(contender, round_number, busy, left, options)
                except RunFailed as failure:
                    result["failed"].append({"run": name, "problem": str(failure)})
                    print(f"compare.py: {failure}", file=sys.stderr)
                else:
                    result["runs"].append(run)
                    print_progress(run)
                took[name] = time.monotonic() - begin
                keep(result, options)
    return result


def run_once(contender, round_number, busy, limit, options):
    environment = dict(contender.environment)
    if busy:
        environment.update(contender.busy_environment)
    run_one = run_gridstride if contender.name == "gridstride" else run_peer
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch, other_process(busy):
        command, run = run_one(contender, options, environment, scratch, limit)
    return {
        "peer": contender.name,
        "round": round_number,
        "busy": busy,
        "load_average_before": load,
        "command": shown(command, options, scratch),
        "environment": environment,
        **run,
    }


def keep(result, options):
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


def print_progress(run):
    times = " ".join(f"{epoch['seconds']:.2f}" for epoch in run["epochs"])
    state = "busy" if run["busy"] else "quiet"
    print(
        f"round {run['round']}, {run['peer']}, {state}: {times} s an epoch,"
        f" loss {run['epochs'][-1]['loss']:.4f}",
        file=sys.stderr,
    )


def timed(runs, member):
    """A figure of every epoch after the first of each process."""
    return [epoch[member] for run in runs for epoch in run["epochs"][1:]]


def epoch_seconds(runs):
    """Seconds for all training images, from what was taken for those that the run had."""
    return [
        epoch["seconds"] * TRAIN_IMAGES / run.get("images", TRAIN_IMAGES)
        for run in runs
        for epoch in run["epochs"][1:]
    ]


def median_or_dash(values, form):
    present = [value for value in values if value is not None]
    return format(statistics.median(present), form) if present else "-"


def table(result):
    """The Markdown table of a result, fastest first, and a line about the machine."""
    quiet, busy = {}, {}
    for run in result["runs"]:
        (busy if run["busy"] else quiet).setdefault(run["peer"], []).append(run)
    medians = {peer: statistics.median(epoch_seconds(runs)) for peer, runs in quiet.items()}
    ours = medians.get("gridstride")
    heads = [
        "peer",
        "settings",
        "s/epoch, median (min-max)",
        "images/s",
        "time / Gridstride's",
        "peak RSS, MB",
        "first step, s",
        f"loss, epoch {result['epochs']}",
    ]
    if busy:
        heads += ["images/s, busy", "busy / quiet"]
    lines = [heads, ["---"] * 2 + ["---:"] * (len(heads) - 2)]
    for peer in sorted(medians, key=medians.get):
        runs = quiet[peer]
        seconds = epoch_seconds(runs)
        speed = statistics.median(timed(runs, "images_per_second"))
        version = runs[0]["version"]
        row = [
            (f"{peer} {version}" if version else peer) + ("*" if few_images(result, runs) else ""),
            runs[0]["settings"],
            f"{medians[peer]:.2f} ({min(seconds):.2f}-{max(seconds):.2f})",
            f"{speed:,.0f}",
            f"{medians[peer] / ours:.2f}" if ours else "-",
            median_or_dash([run["peak_rss_mb"] for run in runs], ".0f"),
            median_or_dash([run["first_step_seconds"] for run in runs], ".2f"),
            median_or_dash([run["epochs"][-1]["loss"] for run in runs], ".3f"),
        ]
        if busy:
            if peer in busy:
                busy_speed = statistics.median(timed(busy[peer], "images_per_second"))
                row += [f"{busy_speed:,.0f}", f"{busy_speed / speed:.2f}"]
            else:
                row += ["-", "-"]
        lines.append(row)
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{text}\n\n{describe(result)}\n"


def few_images(result, runs):
    """What is said of a contender that had fewer images than the table's others, or nothing."""
    everyones = result["limit"] or TRAIN_IMAGES
    images = runs[0].get("images", everyones)
    if images == everyones:
        return ""
    return f"{runs[0]['peer']}: the first {images:,} images, {count(len(runs), 'round')}"


def count(number, word):
    return f"{number} {word}{'' if number == 1 else 's'}"


def describe(result):
    host = result["machine"]
    marked = []
    for peer in dict.fromkeys(run["peer"] for run in result["runs"]):
        runs = [run for run in result["runs"] if run["peer"] == peer and not run["busy"]]
        if runs and few_images(result, runs):
            marked.append(few_images(result, runs))
    images = f" The first {result['limit']:,} images only." if result["limit"] else ""
    if marked:
        images += f" * {'; '.join(marked)}; s/epoch is reckoned for 50,000, the loss is of these."
    for problem in result.get("left_out", []):
        images += f" Left out for lack of time: {problem}."
    for failure in result.get("failed", []):
        images += f" Failed: {failure['run']}."
    busy = ""
    if any(run["busy"] for run in result["runs"]):
        busy = f" Busy means beside one process that keeps a core busy{busy_changes(result)}."
    vectors = ", ".join(host["vector_extensions"]) or "no AVX2"
    return (
        f"{host['cpu']} ({vectors}), {host['cores']} cores, {host['memory_mb'] // 1024} GB,"
        f" Linux {host['kernel']}, glibc {host['glibc']}, {host['jdk']};"
        f" load average before {host['load_average_before']:.2f}; {result['date'][:10]}."
        f" Batch {result['batch']}, {result['threads']} threads, {result['rounds']} rounds in turn"
        f" of {result['epochs']} epochs, the first of each process not counted.{images}{busy}"
    )


def busy_changes(result):
    """What contenders changed in their environment beside a busy process, in words."""
    quiet = {run["peer"]: run["environment"] for run in result["runs"] if not run["busy"]}
    changes = {}
    for run in result["runs"]:
        if run["busy"]:
            extra = run["environment"].items() - quiet.get(run["peer"], {}).items()
            for name, value in extra:
                changes.setdefault(f"{name}={value}", set()).add(run["peer"])
    return "".join(
        f", with {change} for {', '.join(sorted(peers))}" for change, peers in changes.items()
    )


def parse_run_arguments(arguments):
    everyone = contenders(threads=2)
    best = [name for name in everyone if not name.endswith("-default")]
    parser = argparse.ArgumentParser(
        description="time training: Gridstride and its peers in turn",
        epilog="compare.py table FILE prints the table of a kept file again",
    )
    parser.add_argument("--data", required=True, type=pathlib.Path, help="cifar-10-batches-bin")
    parser.add_argument(
        "--peers",
        default=",".join(best),
        help=f"any of {','.join(everyone)} (default: %(default)s)",
    )
    parser.add_argument(
        "--gridstride",
        default="java/bin/gridstride",
        help="command from the repository's root, or none to leave it out (%(default)s)",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2, help="at least 2; the first warms up")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, help="first N images, for a look")
    parser.add_argument("--busy", action="store_true", help="run each beside a busy process too")
    parser.add_argument(
        "--budget",
        type=float,
        default=1200,
        help="seconds; a run that would end later is left out, and the table says so (%(default)s)",
    )
    parser.add_argument("--json", type=pathlib.Path, help="keep raw rows here")
    options = parser.parse_args(arguments)
    options.data = options.data.resolve()
    if not (options.data / "data_batch_1.bin").is_file():
        parser.error(f"--data: {options.data} has no data_batch_1.bin")
    if options.epochs < 2:
        parser.error("--epochs: at least 2, because the first is not counted")
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: folder {options.json.absolute().parent} is missing")
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    known = contenders(options.threads)
    chosen = []
    if options.gridstride != "none":
        chosen.append(Contender("gridstride", tuple(shlex.split(options.gridstride))))
    for name in filter(None, options.peers.split(",")):
        if name not in known:
            parser.error(f"--peers: {name} is none of {', '.join(known)}")
        chosen.append(known[name])
    for contender in chosen:
        program = ROOT / contender.program[-1]
        if contender.program[0] == "java" and not program.is_file():
            parser.error(
                f"{contender.name} is not built ({contender.program[-1]} is missing); run mvn -q -B"
                f" -f {PEERS} package -Djavacpp.platform=linux-x86_64"
            )
    return options, chosen


def main(arguments):
    if arguments[:1] == ["table"]:
        if len(arguments) != 2:
            sys.exit("usage: compare.py table FILE")
        print(table(json.loads(pathlib.Path(arguments[1]).read_text())), end="")
        return
    options, chosen = parse_run_arguments(arguments)
    # Leave through the clean-up, so that neither a contender nor the busy process stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compare.py: terminated"))
    result = run_all(options, chosen)
    print(table(result), end="")
    if result["failed"]:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
