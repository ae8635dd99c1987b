#!/usr/bin/env bash
# Run `make test` under each of these Pythons that is installed, in a virtual environment of its own; name those that are not.
# Nothing is downloaded: uv, pyenv and the PATH are asked for what they have.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
VERSIONS=${VERSIONS:-3.11 3.12 3.13 3.14}

find_python() {
  local candidate
  for candidate in \
    "$(UV_PYTHON_DOWNLOADS=never uv python find --no-project "$1" 2>/dev/null)" \
    "$(find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -path "*/$1.*/bin/python" 2>/dev/null | sort -V | tail -1)" \
    "$(command -v "python$1")"; do
    if [ -n "$candidate" ] && [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$1" ]; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

outcomes=() failed=0 ran=0
for version in $VERSIONS; do
  if ! python=$(find_python "$version"); then
    outcomes+=("Python $version: skipped, it is not installed")
    continue
  fi
  echo "== Python $version ($python)"
  ran=1
  if make --no-print-directory test PYTHON="$python" VENV=".venv-$version"; then
    outcomes+=("Python $version: passed")
  else
    outcomes+=("Python $version: FAILED")
    failed=1
  fi
done
printf '%s\n' "" "${outcomes[@]}"
[ "$ran" = 1 ] || { echo "None of these Pythons is installed."; exit 1; }
exit "$failed"
