#!/bin/sh
# Install the system packages that the end-to-end tests need, where that is possible; else say what will be skipped.
set -eu
packages="php-cli php-mysql php-sqlite3 php-gd php-curl php-xml php-mbstring php-intl php-zip mariadb-server mariadb-client
php-getid3 libjs-cropper libjs-underscore chromium shellcheck"
# npm may have come with another Node.js than Debian's; theirs and Debian's package do not go together.
command -v npm >/dev/null 2>&1 || packages="$packages npm"
command -v node >/dev/null 2>&1 || packages="$packages nodejs"
missing=""
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Not installed, and not root on Debian or Ubuntu:$missing"
  echo "The end-to-end tests that need them are skipped; each says why."
  exit 0
fi
echo "Installing for the end-to-end tests:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# No service is started: the tests start their own, on sockets and ports of their own.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
