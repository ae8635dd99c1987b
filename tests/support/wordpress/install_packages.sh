#!/usr/bin/env bash
# Install what a throw-away WordPress needs, and only what is missing (Debian or Ubuntu, as root).
set -euo pipefail

WANTED=(php-cli php-mysql php-sqlite3 php-gd php-curl php-xml php-mbstring php-intl php-zip
        mariadb-server mariadb-client php-getid3 libjs-cropper libjs-underscore)

missing=()
for name in "${WANTED[@]}"; do
  dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] && { echo "nothing is missing"; exit 0; }
[ "$(id -u)" = 0 ] || { echo "missing: ${missing[*]}; run as root: $0" >&2; exit 1; }

# The package "wordpress" is downloaded and unpacked by fetch_wordpress.sh, never installed: it would bring a web server along.
export DEBIAN_FRONTEND=noninteractive
# A container may forbid to start services; an exit of 101 tells the packages not to try.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"
