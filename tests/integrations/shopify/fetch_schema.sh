#!/usr/bin/env bash
# Unpack Shopify's own introspection of the Admin API once and print the folder. It comes inside an npm package (ISC); none of its code is run.
set -euo pipefail
SUPPORT=$(cd "$(dirname "$0")/../../support" && pwd)
. "$SUPPORT/cache.sh"

SHA256=4663c79229028e98f825a09d5f04ec6c3736331b740ce50260f9ffac10709474
TARGET=$CACHE/shopify-dev-mcp-1.16.0
ready "$TARGET" admin_2026-10.json.gz

WORK=$(mktemp -d "$TARGET.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
"$SUPPORT/npm_pack.sh" @shopify/dev-mcp@1.16.0 "$SHA256" "$WORK"
tar -xzf "$WORK/package.tgz" -C "$WORK" package/LICENSE package/dist/data/admin_2026-07.json.gz package/dist/data/admin_2026-10.json.gz
mkdir "$WORK/data"
mv "$WORK/package/LICENSE" "$WORK/package/dist/data/"* "$WORK/data"
place "$WORK/data" "$TARGET" admin_2026-10.json.gz
