"""Runs both sides in turn and prints case, times and ratio. Used by scripts/compare.sh."""
import json
import os
import statistics
import subprocess
import sys


def run(program, threads, name):
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [program, str(threads), "0.5", name]
    lines = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    for line in lines.splitlines():
        case, _, seconds, *results = line.split()
        yield case, float(seconds), [float(r) for r in results]


def main():
    ours, theirs = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    name = sys.argv[4] if len(sys.argv) > 4 else ""
    threads = sorted({1, os.cpu_count()})
    times, losses = {}, {}
    for _ in range(rounds):
        for count in threads:
            for side, program in (("ours", ours), ("theirs", theirs)):
                for case, seconds, results in run(program, count, name):
                    times.setdefault(case, {}).setdefault(side, {}).setdefault(count, []).append(seconds)
                    losses.setdefault(case, {})[side] = results
    table, agree = [], True
    for case, sides in times.items():
        best = {side: min(counts, key=lambda c: statistics.median(counts[c])) for side, counts in sides.items()}
        a, b = sides["ours"][best["ours"]], sides["theirs"][best["theirs"]]
        ratios = [y / x for x, y in zip(a, b)]
        difference = max(abs(x - y) for x, y in zip(losses[case]["ours"], losses[case]["theirs"]))
        agree = agree and difference <= 1e-4
        table.append({
            "case": case,
            "ours_us": statistics.median(a) * 1e6, "ours_threads": best["ours"],
            "theirs_us": statistics.median(b) * 1e6, "theirs_threads": best["theirs"],
            "ratio": statistics.median(b) / statistics.median(a),
            "ratio_min": min(ratios), "ratio_max": max(ratios), "loss_difference": difference,
        })
    print("| case | ours, us (threads) | LibTorch, us (threads) | ratio | min to max | losses differ by |")
    print("|---|---|---|---|---|---|")
    for row in table:
        print("| {case} | {ours_us:.1f} ({ours_threads}) | {theirs_us:.1f} ({theirs_threads}) | {ratio:.2f} "
              "| {ratio_min:.2f} to {ratio_max:.2f} | {loss_difference:.1e} |".format(**row))
    with open("build/compare.json", "w") as file:
        json.dump(table, file, indent=1)
    if not agree:
        sys.exit("compare: the losses of the first five steps differ by more than 1e-4")


if __name__ == "__main__":
    main()
