#!/usr/bin/env bash
# Unpack Shopify's own introspection of the Admin API once and print the folder. It comes inside an npm package (ISC); none of its code is run.
set -euo pipefail

PACKAGE=@shopify/dev-mcp@1.16.0
SHA256=4663c79229028e98f825a09d5f04ec6c3736331b740ce50260f9ffac10709474
CACHE=${PICWARD_TEST_CACHE:-${TMPDIR:-/tmp}/picward-test-cache}/shopify-dev-mcp-1.16.0
[ -f "$CACHE/admin_2026-10.json.gz" ] && { echo "$CACHE"; exit 0; }

mkdir -p "$(dirname "$CACHE")"
WORK=$(mktemp -d "$CACHE.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
(cd "$WORK" && npm pack --silent --ignore-scripts "$PACKAGE" >/dev/null)
echo "$SHA256  $(echo "$WORK"/*.tgz)" | sha256sum --check --quiet >&2
tar -xzf "$WORK"/*.tgz -C "$WORK" package/LICENSE package/dist/data/admin_2026-07.json.gz package/dist/data/admin_2026-10.json.gz
mkdir "$WORK/data"
mv "$WORK/package/LICENSE" "$WORK/package/dist/data/"* "$WORK/data"
mv -T "$WORK/data" "$CACHE" 2>/dev/null || [ -f "$CACHE/admin_2026-10.json.gz" ]   # another run may have been faster
echo "$CACHE"
