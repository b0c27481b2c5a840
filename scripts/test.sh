#!/usr/bin/env bash
# Builds and runs the tests.
#   scripts/test.sh         every test, in the release build
#   scripts/test.sh --all   what CI runs: also formatting, examples, benchmarks, consumers, the
#                           second compiler and the sanitizers
set -euo pipefail
cd "$(dirname "$0")/.."

# ccache finds what another checkout compiled.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
jobs=$(nproc)
# Every test in one process a core: starting one for each test takes longer than the tests.
all_tests() {
  local shard pids=()
  for ((shard = 0; shard < jobs; ++shard)); do
    GTEST_TOTAL_SHARDS=$jobs GTEST_SHARD_INDEX=$shard "$@" --gtest_brief=1 &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
}
stage() { printf '\n===== %s (%d min %02d s)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

# build <preset> [cmake options]
build() {
  cmake --preset "$1" "${@:2}" >/dev/null
  cmake --build --preset "$1" -j "$jobs"
}

# The sanitizers of older compilers cannot place their memory where the kernel randomises much.
fixed_addresses() {
  if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi
}

case "${1-}" in
  "")
    scripts/install_deps.sh
    build release
    all_tests build/release/tests/bb_tests
    exit
    ;;
  --all) ;;
  *) echo "usage: test.sh [--all]" >&2; exit 2 ;;
esac

stage "Dependencies"
scripts/install_deps.sh --all

stage "Format"
scripts/format.sh --check

stage "Release build by g++, warnings as errors, and its tests"
build release -DBB_WERROR=ON
all_tests build/release/tests/bb_tests

stage "Tests of the kernels for lesser processors"
for capability in avx2 default; do
  BB_CPU_CAPABILITY=$capability all_tests build/release/tests/bb_tests
done

stage "Examples"
for example in build/release/examples/*; do
  if [[ -f $example && -x $example ]]; then
    echo "--- ${example##*/} --short"
    "$example" --short
  fi
done

stage "Benchmarks, smoke run"
# Without most matrix products: each measures the processor's peak beside it, which takes minutes.
build/release/bench/bb_bench --benchmark_min_time=0.001 \
  --benchmark_filter='-gemm/(float64|float32/shape)'

stage "Consumers"
scripts/consumers.sh

stage "Library by clang, warnings as errors"
cmake --preset release -B build/clang -DCMAKE_CXX_COMPILER=clang++-14 -DBB_WERROR=ON \
  -DBB_BUILD_TESTS=OFF -DBB_BUILD_BENCH=OFF -DBB_BUILD_EXAMPLES=OFF >/dev/null
cmake --build build/clang -j "$jobs"

stage "Address and undefined-behaviour sanitizers"
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_init_order=1
export UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
build asan -DBB_BUILD_BENCH=OFF -DBB_BUILD_EXAMPLES=OFF
all_tests fixed_addresses build/asan/tests/bb_tests

stage "Thread sanitizer"
build tsan -DBB_BUILD_BENCH=OFF -DBB_BUILD_EXAMPLES=OFF
all_tests fixed_addresses build/tsan/tests/bb_tests
