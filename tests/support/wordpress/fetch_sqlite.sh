#!/usr/bin/env bash
# Unpack WordPress' SQLite drop-in once and print its path. It comes inside an npm package: Debian has none.
set -euo pipefail

CACHE=${PICWARD_TEST_CACHE:-${TMPDIR:-/tmp}/picward-test-cache}/sqlite-database-integration
[ -f "$CACHE/db.copy" ] && { echo "$CACHE"; exit 0; }

mkdir -p "$(dirname "$CACHE")"
WORK=$(mktemp -d "$CACHE.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
(cd "$WORK" && npm pack --silent @wp-playground/wordpress-builds@0.9.19 >/dev/null)
zip=package/src/sqlite-database-integration/sqlite-database-integration.zip
tar -xzf "$WORK"/*.tgz -C "$WORK" "$zip"
php -r '$z = new ZipArchive(); exit( true === $z->open( $argv[1] ) && $z->extractTo( $argv[2] ) ? 0 : 1 );' "$WORK/$zip" "$WORK/out"
mv -T "$(dirname "$(find "$WORK/out" -name db.copy | head -1)")" "$CACHE" 2>/dev/null || [ -f "$CACHE/db.copy" ]
echo "$CACHE"
