#!/usr/bin/env bash
# Unpack a WordPress tree once and print its path. Usage: fetch_wordpress.sh deb | deb:sid | deb:trixie
# Nothing is installed on the system; a newer suite is read through an apt state of its own.
set -euo pipefail
. "$(dirname "$0")/../../../support/cache.sh"

SOURCE=${1:-deb}
TARGET=$CACHE/wordpress-${SOURCE//:/-}
ready "$TARGET" wp-load.php

WORK=$(mktemp -d "$TARGET.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
apt=(apt-get -qq -o APT::Sandbox::User=root)

case $SOURCE in
  deb)
    apt-cache show wordpress >/dev/null 2>&1 || persist "${apt[@]}" update   # a new machine may have no lists yet
    packages=(wordpress wordpress-theme-twentytwentythree php-getid3 libjs-cropper libjs-underscore) ;;
  deb:*)
    state=$WORK/apt
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror ${SOURCE#deb:} main" > "$state/sources.list"
    apt+=(-o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state/cache")
    persist "${apt[@]}" update
    packages=(wordpress wordpress-theme-twentytwentyfive php-getid3 libjs-cropper libjs-underscore libjs-lodash libphp-phpmailer libjs-jquery-ui) ;;
  *) echo "unknown source: $SOURCE" >&2; exit 2 ;;
esac

mkdir "$WORK/debs"
(cd "$WORK/debs" && persist "${apt[@]}" download "${packages[@]}")
for deb in "$WORK"/debs/*.deb; do dpkg-deb -x "$deb" "$WORK/tree"; done

wp=$WORK/tree/usr/share/wordpress
rm -f "$wp/wp-config.php" "$wp/.htaccess"
# Debian links shared libraries out of the tree; put the files themselves in their place.
find "$wp" -type l | while read -r link; do
  target=$(readlink "$link")
  case $target in
    *php/*)        target=$WORK/tree/usr/share/php/${target##*php/} ;;
    *javascript/*) target=$WORK/tree/usr/share/javascript/${target##*javascript/} ;;
  esac
  [ -e "$target" ] || target=/${target#"$WORK/tree/"}
  rm "$link"
  cp -rL "$target" "$link" 2>/dev/null || echo "no $target for ${link#"$wp/"}" >&2
done
place "$wp" "$TARGET" wp-load.php
