#!/usr/bin/env bash
# Fetch one package as DIR/package.tgz and compare it with its sha256; none of its code is run. Usage: npm_pack.sh NAME@VERSION SHA256 DIR
set -euo pipefail
. "$(dirname "$0")/cache.sh"

persist npm pack --silent --prefer-offline --ignore-scripts --pack-destination "$3" "$1"
mv "$3"/*.tgz "$3/package.tgz"
echo "$2  $3/package.tgz" | sha256sum --check --quiet >&2
