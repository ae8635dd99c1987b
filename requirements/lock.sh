#!/bin/sh
# Write the lock: every package that is installed, with its version and its hashes, for all Pythons and systems.
# What still answers pyproject.toml stays; `all` takes the newest of everything, names take the newest of these.
set -eu
cd "$(dirname "$0")/.."
VENV=.venv-lock
PYTHONS="3.11 3.12 3.13 3.14"
SYSTEMS="x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu aarch64-apple-darwin"
# The oldest that onnxruntime has wheels for.
export MACOSX_DEPLOYMENT_TARGET=14.0

[ -x $VENV/bin/uv ] || { ${PYTHON:-python3} -m venv $VENV && $VENV/bin/pip install --quiet --disable-pip-version-check 'uv>=0.11,<1'; }

newer=""
for name in "$@"; do
  if [ "$name" = all ]; then newer="$newer --upgrade"; else newer="$newer --upgrade-package $name"; fi
done

lock() {
  name=$1
  shift
  echo "requirements/$name.txt"
  $VENV/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" pyproject.toml --group build --output-file "requirements/$name.txt" "$@"
}

# The tests' lock holds all extras, and the others take their versions from it.
# shellcheck disable=SC2086
lock test --all-extras $newer
for extra in $(sed -n '/^\[project.optional-dependencies\]/,/^\[/s/^\([a-z]*\) = .*/\1/p' pyproject.toml); do
  [ "$extra" = test ] || lock "$extra" --extra "$extra" --constraints requirements/test.txt --upgrade
done
lock picward --constraints requirements/test.txt --upgrade

# Operators need no compiler. The tests do, for the peer of our PDQ.
set --
for file in requirements/*.txt; do
  [ "$file" = requirements/test.txt ] || set -- "$@" --requirements "$file"
done
for system in $SYSTEMS; do
  for python in $PYTHONS; do
    echo "checking that there are wheels for Python $python on $system"
    $VENV/bin/uv pip install --quiet --dry-run --target $VENV/nowhere --python-platform "$system" --python-version "$python" \
      --only-binary :all: --require-hashes "$@"
  done
done
