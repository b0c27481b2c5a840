#!/usr/bin/env bash
# Builds the library, then trains and tries out a network on MNIST. Options go to examples/mnist.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_deps.sh
cmake --preset release >/dev/null
cmake --build --preset release --target example_mnist -j "$(nproc)"
exec build/release/examples/mnist "$@"
