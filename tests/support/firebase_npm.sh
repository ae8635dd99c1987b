#!/usr/bin/env bash
# Install what a package.json and its lock name, once, and print the folder. Usage: firebase_npm.sh PACKAGE.json PACKAGE-LOCK.json
# npm compares every package with the sha512 in the lock; a folder of another lock is another folder.
set -euo pipefail

PACKAGE=$1 LOCK=$2
key=$(cat "$PACKAGE" "$LOCK" | sha256sum | cut -c1-16)
CACHE=${PICWARD_TEST_CACHE:-${TMPDIR:-/tmp}/picward-test-cache}/npm-$key
[ -d "$CACHE/node_modules" ] && { echo "$CACHE"; exit 0; }

mkdir -p "$(dirname "$CACHE")"
WORK=$(mktemp -d "$CACHE.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
cp "$PACKAGE" "$WORK/package.json"
cp "$LOCK" "$WORK/package-lock.json"
# No package's own script runs, and peers that nothing here loads stay out.
(cd "$WORK" && npm ci --prefer-offline --ignore-scripts --legacy-peer-deps --no-audit --no-fund --loglevel=error >&2)
mv -T "$WORK" "$CACHE" 2>/dev/null || [ -d "$CACHE/node_modules" ]   # another run may have been faster
echo "$CACHE"
