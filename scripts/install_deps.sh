#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that are missing.
#   scripts/install_deps.sh            what the library, tests, benchmarks and examples are built from
#   scripts/install_deps.sh --format   the pinned formatter
#   scripts/install_deps.sh --all      everything, with the second compiler that CI checks
set -euo pipefail

build=(
  "g++                   C++20 compiler"
  "cmake                 build system"
  "ninja-build           build system"
  "libblis-serial-dev    matrix products"
  "libhwy-dev            SIMD"
  "libfmt-dev            text"
  "zlib1g-dev            compression"
  "nlohmann-json3-dev    JSON"
  "libgtest-dev          tests"
  "libbenchmark-dev      benchmarks"
)
format=(
  "clang-format-14       formatting check, pinned version"
)
ci=(
  "clang-14              second compiler"
  "pkg-config            consumer test"
  "make                  consumer test"
  "libmpfr-dev           bench/math_accuracy.cpp"
)

case "${1-}" in
  "") wanted=("${build[@]}") ;;
  --format) wanted=("${format[@]}") ;;
  --all) wanted=("${build[@]}" "${format[@]}" "${ci[@]}") ;;
  *) echo "usage: install_deps.sh [--format | --all]" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "This system has no apt-get; make sure that these are installed (Debian's package names):" >&2
  printf '  %s\n' "${wanted[@]}" >&2
  exit 0
fi

missing=()
for line in "${wanted[@]}"; do
  read -r package why <<<"$line"
  if [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
    ((${#missing[@]})) || echo "Installing what is missing:"
    printf '  %-20s %s\n' "$package" "$why"
    missing+=("$package")
  fi
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || { echo "Run as root, or install sudo." >&2; exit 1; }
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq </dev/null
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
