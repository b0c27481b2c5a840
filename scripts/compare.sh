#!/usr/bin/env bash
# Times the same cases here and in the newest LibTorch that pip installs, in turn, each with 1 and
# with all threads, and prints the ratio of the medians at each side's better thread count.
#   scripts/compare.sh [rounds] [part of a case's name]      LibTorch (2 GB) goes to build/venv
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_deps.sh
if ! build/venv/bin/python -c "import torch" 2>/dev/null; then
  echo "Installing PyTorch into build/venv"
  python3 -m venv build/venv
  build/venv/bin/pip install --quiet torch numpy
fi
cmake --preset release >/dev/null
cmake --build --preset release --target compare_bb -j "$(nproc)" >/dev/null
cmake -S bench/compare/torch -B build/compare_torch -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DTORCH_DIR="$(build/venv/bin/python -c 'import torch; print(torch.__path__[0])')" >/dev/null
cmake --build build/compare_torch >/dev/null
exec build/venv/bin/python bench/compare/compare.py build/release/bench/compare_bb \
  build/compare_torch/compare_torch "$@"
