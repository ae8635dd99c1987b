#!/bin/sh
# Fetch what the tests of this room need from elsewhere.
set -eu
cd "$(dirname "$0")"
for packages in packages/*/; do
  ../../support/npm_ci.sh "$packages"
done
