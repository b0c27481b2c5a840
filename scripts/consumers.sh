#!/usr/bin/env bash
# Builds and runs the consumer projects of tests/consumers, each the way that a user would: with
# add_subdirectory, and against an installed shared and static library with find_package and
# pkg-config.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_deps.sh --all
jobs=$(nproc)
out=$PWD/build/consumers
rm -rf "$out"

cmake --preset release >/dev/null
cmake --build --preset release --target bb -j "$jobs"
cmake --install build/release --prefix "$out/shared" >/dev/null

# Also gives the static library to install; built fast, because only its packaging is at stake.
echo "--- add_subdirectory, static library"
cmake -S tests/consumers/add_subdirectory -B "$out/add_subdirectory" -G Ninja \
  -DCMAKE_CXX_FLAGS=-O0 -DBB_INSTALL=ON >/dev/null
cmake --build "$out/add_subdirectory" -j "$jobs"
"$out/add_subdirectory/consumer"
cmake --install "$out/add_subdirectory" --prefix "$out/static" >/dev/null

for kind in shared static; do
  prefix=$out/$kind

  echo "--- find_package, $kind library"
  cmake -S tests/consumers/find_package -B "$out/find_package-$kind" -G Ninja \
    -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$out/find_package-$kind"
  "$out/find_package-$kind/consumer"
  "$out/find_package-$kind/consumer_test" --gtest_brief=1

  echo "--- pkg-config, $kind library"
  PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name braininabox.pc)") \
    make -C tests/consumers/pkg_config OUT="$out/pkg_config-$kind" \
    STATIC="$([[ $kind == static ]] && echo --static || true)"
  "$out/pkg_config-$kind/consumer"
done
echo "All consumers work."
