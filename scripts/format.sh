#!/usr/bin/env bash
# Formats every source file; with --check, changes nothing and fails where a file would change.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1-}" in
  "") mode=(-i) ;;
  --check) mode=(--dry-run --Werror) ;;
  *) echo "usage: format.sh [--check]" >&2; exit 2 ;;
esac
scripts/install_deps.sh --format
find . \( -path ./build -o -path ./.git \) -prune -o \( -name '*.h' -o -name '*.cpp' \) -print0 |
  xargs -0 -r -n 16 -P "$(nproc)" clang-format-14 "${mode[@]}"
