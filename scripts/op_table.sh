#!/usr/bin/env bash
# Writes docs/ops.md, the table of all ops, from tests/op_cases/ and what they measure.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset release >/dev/null
cmake --build --preset release --target op_table -j "$(nproc)" >/dev/null
build/release/tests/op_table > docs/ops.md.new
mv docs/ops.md.new docs/ops.md
