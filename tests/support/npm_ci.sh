#!/usr/bin/env bash
# Install what DIR's package.json and its lock name, once, and print the folder. Usage: npm_ci.sh DIR
# npm compares every package with the sha512 in the lock; a folder of another lock is another folder.
set -euo pipefail
. "$(dirname "$0")/cache.sh"

key=$(cat "$1/package.json" "$1/package-lock.json" | sha256sum | cut -c1-16)
TARGET=$CACHE/npm-$key
ready "$TARGET" node_modules

WORK=$(mktemp -d "$TARGET.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
cp "$1/package.json" "$1/package-lock.json" "$WORK"
# No package's own script runs, and peers that nothing here loads stay out.
persist npm --prefix "$WORK" ci --prefer-offline --ignore-scripts --legacy-peer-deps --no-audit --no-fund --loglevel=error
place "$WORK" "$TARGET" node_modules
