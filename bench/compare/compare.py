"""Runs both sides in turn; prints case, times and ratio as text, and writes build/compare.md and
build/compare.json. Used by scripts/compare.sh.
    compare.py OURS THEIRS [rounds] [part of a case's name]
"""
import json
import math
import os
import platform
import statistics
import subprocess
import sys

SECONDS = 0.1  # of each case in each round
TOLERANCE = 1e-4


def multiplications():
    """Of a step of a case, by the definitions of its layers: where a convolution takes fewer (Winograd),
    its fraction of the limit may be above 1. A training step multiplies three times as often as its
    forward pass, but for the gradient in the images."""
    counts = {}
    # Where filters are applied (of a transposed convolution, the images' pixels), and their weights.
    for name, places, weights in (("16x32x32", 16 * 32**2, 16 * 16 * 9),
                                  ("64x56x56", 16 * 56**2, 64 * 64 * 9),
                                  ("128x28x28", 16 * 28**2, 128 * 128 * 9),
                                  ("256x14x14", 16 * 14**2, 256 * 256 * 9),
                                  ("7x7_stride_2_3x224x224", 16 * 112**2, 64 * 3 * 49),
                                  ("5x5_32x28x28", 16 * 28**2, 64 * 32 * 25),
                                  ("1x1_256x28x28_to_64", 16 * 28**2, 64 * 256),
                                  ("1x1_64x28x28_to_256", 16 * 28**2, 256 * 64),
                                  ("depthwise_64x56x56", 16 * 56**2, 64 * 9),
                                  ("32_groups_128x28x28", 16 * 28**2, 128 * 4 * 9),
                                  ("dilation_2_64x56x56", 16 * 56**2, 64 * 64 * 9),
                                  ("transposed_4x4_64x28x28", 16 * 28**2, 64 * 32 * 16),
                                  ("1d_64x1024", 16 * 1024, 128 * 64 * 3),
                                  ("1d_7_64x1024", 16 * 1024, 128 * 64 * 7),
                                  ("3d_16x16x32x32", 4 * 16 * 32**2, 32 * 16 * 27)):
        for part in ("forward", "grad_input", "grad_weight"):
            counts[f"conv/{name}/{part}"] = places * weights
    # Half of 1024 x 1024 scores; two products forward, four backward.
    counts["attention/8x1024x64_causal"] = 6 * 8 * 1024**2 // 2 * 64
    first = 6 * 25 * 28**2
    counts["lenet_step/64"] = 64 * (3 * (first + 16 * 6 * 25 * 10**2 + 400 * 120 + 120 * 84 + 84 * 10) - first)
    first = 32 * 9 * 26**2
    counts["mnist_cnn_step/64"] = 64 * (3 * (first + 64 * 32 * 9 * 24**2 + 9216 * 128 + 128 * 10) - first)
    first = 3 * 16 * 9 * 32**2
    stage = 16 * 16 * 9 * 32**2  # of a 3x3 convolution that keeps its size, in each of the three
    resnet = first + (6 + 5 + 5) * stage + 2 * stage // 2 + 2 * 16 * 32 * 16**2 + 64 * 10
    counts["resnet20_step/128"] = 128 * (3 * resnet - first)
    for name in ("resnet20_inference", "resnet20_folded_inference"):
        counts[f"{name}/128"], counts[f"{name}/1"] = 128 * resnet, resnet
    for name, layers, width, tokens, batch in (("gpt_step/4x128_64_tokens_batch_12", 4, 128, 64, 12),
                                               ("gpt_step/6x384_256_tokens_batch_4", 6, 384, 256, 4)):
        counts[name] = 3 * batch * tokens * (layers * (12 * width**2 + tokens * width) + width * 65)
    # Forward, and the gradients in both weights and in the hidden state.
    for name, gates in (("lstm", 4), ("gru", 3), ("rnn_tanh", 1)):
        counts[f"{name}_step/128_hidden_64_steps_batch_32"] = 5 * 64 * 32 * gates * 128**2 + 3 * 32 * 128 * 10
    first = 64 * 9 * 56**2
    counts["mobilenet_block_step/64x56x56"] = 16 * (3 * (first + 64 * 64 * 56**2 + 64 * 10) - first)
    return counts


class Side:
    """One program with one number of threads, which times a case whenever it is asked to."""

    def __init__(self, name, program, threads):
        self.name, self.threads = name, threads
        env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen([program, str(threads), str(SECONDS), "-"], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare: {self.name} ended in {what}, with {self.threads} threads")
        return line.split()

    def run(self, case):
        _, _, seconds, *results = self.ask(case)
        return float(seconds), [float(r) for r in results]

    def peak(self, case):
        return int(self.ask("peak " + case)[1])


def names(program):
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()


def machine():
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    import torch
    return f"{model}, {os.cpu_count()} CPUs, {platform.system()}; LibTorch {torch.__version__}"


def rows(times, results, peaks, limits):
    counts = multiplications()
    for case, sides in times.items():
        best = {side: min(counts, key=lambda c: statistics.median(counts[c])) for side, counts in sides.items()}
        a, b = sides["ours"][best["ours"]], sides["theirs"][best["theirs"]]
        ratios = [y / x for x, y in zip(a, b)]
        pairs = zip(results[case]["ours"], results[case]["theirs"])
        limit = limits[case] * best["ours"]
        of_limit = 2 * counts[case] / statistics.median(a) / limit if case in counts and limit > 0 else None
        yield {
            "case": case,
            "ours_us": statistics.median(a) * 1e6, "ours_threads": best["ours"],
            "theirs_us": statistics.median(b) * 1e6, "theirs_threads": best["theirs"],
            "ratio": statistics.median(b) / statistics.median(a),
            "ratio_min": min(ratios), "ratio_max": max(ratios),
            "of_limit": of_limit,
            "ours_us_by_threads": {n: statistics.median(t) * 1e6 for n, t in sides["ours"].items()},
            "results_differ_by": max(abs(x - y) / max(1, abs(y)) for x, y in pairs),
            "ours_peak_bytes": peaks[case]["ours"], "theirs_peak_bytes": peaks[case]["theirs"],
        }


COLUMNS = ["case", "ours, us (threads)", "LibTorch, us (threads)", "ratio", "min to max", "results differ by",
           "speedup", "of limit", "ours, peak MB", "LibTorch, peak MB", "peak ratio"]


def cells(row):
    ours, theirs = (row[side + "_peak_bytes"] / 1e6 for side in ("ours", "theirs"))
    memory = [f"{ours:.3g}", f"{theirs:.3g}", f"{theirs / ours:.2f}"] if min(ours, theirs) >= 1 else ["", "", ""]
    by_threads = list(row["ours_us_by_threads"].values())
    of_limit = "" if row["of_limit"] is None else f"{row['of_limit']:.2f}"
    return [row["case"], "{ours_us:.3g} ({ours_threads})".format(**row),
            "{theirs_us:.3g} ({theirs_threads})".format(**row), "{ratio:.2f}".format(**row),
            "{ratio_min:.2f} to {ratio_max:.2f}".format(**row), "{results_differ_by:.0e}".format(**row),
            f"{by_threads[0] / by_threads[-1]:.2f}", of_limit, *memory]


def main():
    ours, theirs = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    part = sys.argv[4] if len(sys.argv) > 4 else ""
    cases = [case for case in names(ours) if part in case]
    alone = set(names(ours)) ^ set(names(theirs))
    if alone or not cases:
        sys.exit(f"compare: cases on one side only, or none: {sorted(alone)}")

    # The sides take turns within each case: what else the machine does then hits them alike.
    sides = [Side(name, program, threads) for threads in sorted({1, os.cpu_count()})
             for name, program in (("ours", ours), ("theirs", theirs))]
    times, results, peaks, limits = {}, {}, {}, {}
    for case in cases:
        for _ in range(rounds):
            for side in sides:
                seconds, values = side.run(case)
                by_threads = times.setdefault(case, {}).setdefault(side.name, {})
                by_threads.setdefault(side.threads, []).append(seconds)
                results.setdefault(case, {})[side.name] = values
        limits[case] = float(subprocess.run([ours, "limit"], check=True, capture_output=True, text=True).stdout)
        # On one thread, of what goes through each side's allocator: threads' own scratch does not.
        peaks[case] = {side.name: side.peak(case) for side in sides[:2]}

    table = list(rows(times, results, peaks, limits))
    lines = [COLUMNS] + [cells(row) for row in table]
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    mean = math.exp(statistics.fmean(math.log(row["ratio"]) for row in table))
    print(f"geometric mean of the ratios: {mean:.2f}\n{machine()}")

    with open("build/compare.md", "w") as file:
        file.write(f"{machine()}; medians of {rounds} rounds.\n\n")
        for line in [lines[0], ["---"] * len(COLUMNS)] + lines[1:]:
            file.write("| " + " | ".join(line) + " |\n")
    with open("build/compare.json", "w") as file:
        json.dump({"machine": machine(), "rounds": rounds, "cases": table}, file, indent=1)

    wrong = [row["case"] for row in table if not row["results_differ_by"] <= TOLERANCE]
    if wrong:
        sys.exit(f"compare: results of the first five steps differ by more than {TOLERANCE}: {wrong}")


if __name__ == "__main__":
    main()
