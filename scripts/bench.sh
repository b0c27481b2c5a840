#!/usr/bin/env bash
# Builds and runs the benchmarks. Options go to Google Benchmark: --benchmark_filter=gemm, ...
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_deps.sh
cmake --preset release >/dev/null
cmake --build --preset release --target bb_bench -j "$(nproc)"
exec build/release/bench/bb_bench "$@"
