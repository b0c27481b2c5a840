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


def rows(times, results, peaks):
    for case, sides in times.items():
        best = {side: min(counts, key=lambda c: statistics.median(counts[c])) for side, counts in sides.items()}
        a, b = sides["ours"][best["ours"]], sides["theirs"][best["theirs"]]
        ratios = [y / x for x, y in zip(a, b)]
        pairs = zip(results[case]["ours"], results[case]["theirs"])
        yield {
            "case": case,
            "ours_us": statistics.median(a) * 1e6, "ours_threads": best["ours"],
            "theirs_us": statistics.median(b) * 1e6, "theirs_threads": best["theirs"],
            "ratio": statistics.median(b) / statistics.median(a),
            "ratio_min": min(ratios), "ratio_max": max(ratios),
            "ours_us_by_threads": {n: statistics.median(t) * 1e6 for n, t in sides["ours"].items()},
            "results_differ_by": max(abs(x - y) / max(1, abs(y)) for x, y in pairs),
            "ours_peak_bytes": peaks[case]["ours"], "theirs_peak_bytes": peaks[case]["theirs"],
        }


COLUMNS = ["case", "ours, us (threads)", "LibTorch, us (threads)", "ratio", "min to max", "results differ by",
           "ours, peak MB", "LibTorch, peak MB", "ratio"]


def cells(row):
    ours, theirs = (row[side + "_peak_bytes"] / 1e6 for side in ("ours", "theirs"))
    memory = [f"{ours:.3g}", f"{theirs:.3g}", f"{theirs / ours:.2f}"] if min(ours, theirs) >= 1 else ["", "", ""]
    return [row["case"], "{ours_us:.3g} ({ours_threads})".format(**row),
            "{theirs_us:.3g} ({theirs_threads})".format(**row), "{ratio:.2f}".format(**row),
            "{ratio_min:.2f} to {ratio_max:.2f}".format(**row), "{results_differ_by:.0e}".format(**row), *memory]


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
    times, results, peaks = {}, {}, {}
    for case in cases:
        for _ in range(rounds):
            for side in sides:
                seconds, values = side.run(case)
                by_threads = times.setdefault(case, {}).setdefault(side.name, {})
                by_threads.setdefault(side.threads, []).append(seconds)
                results.setdefault(case, {})[side.name] = values
        # One thread's, what kernels work with included on our side; theirs is what tensors hold alone.
        peaks[case] = {side.name: side.peak(case) for side in sides[:2]}

    table = list(rows(times, results, peaks))
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
