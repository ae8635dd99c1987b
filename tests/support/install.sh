#!/bin/sh
# Install the system packages that the end-to-end tests need, and fetch the rest into the user's cache; else say what will be skipped.
# It asks before it installs. PICWARD_INSTALL=yes or no answers for whoever is not there; CI=true means yes.
set -eu
cd "$(dirname "$0")/../.."

missing=""
for package in $(cat tests/support/debian.txt tests/integrations/*/debian.txt | sed 's/#.*//; s/[[:space:]]\{1,\}/|/g; /^$/d' | sort -u); do
  there=no
  for program in $(echo "$package" | cut -s -d '|' -f 2- | tr '|' ' '); do
    if command -v "$program" >/dev/null 2>&1; then there=yes; fi
  done
  package=${package%%|*}
  if [ "$there" = yes ] || dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then continue; fi
  missing="$missing $package"
done

allowed() {
  case ${PICWARD_INSTALL:-} in yes) return 0 ;; no) return 1 ;; esac
  if [ "${CI:-}" = true ]; then return 0; fi
  if [ ! -t 0 ] || [ ! -t 1 ]; then
    echo "There is nobody to ask. To have them installed: PICWARD_INSTALL=yes make test"
    return 1
  fi
  printf 'Install them with apt-get? [y/N] '
  read -r answer
  case $answer in [yY]*) return 0 ;; *) return 1 ;; esac
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  echo "Installing them …"
  apt-get update -qq
  # No service is started: the tests start their own, on sockets and ports of their own.
  policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

if [ -n "$missing" ]; then
  echo "System packages that the end-to-end tests need and that are not installed:$missing"
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "This is neither Debian nor Ubuntu: install what they hold in your system's way."
  elif [ "$(id -u)" != 0 ]; then
    echo "You are not root. To install them: sudo apt-get install --no-install-recommends$missing"
  elif allowed; then
    install
    missing=""
  fi
  if [ -n "$missing" ]; then echo "Tests that need them are skipped; each says why."; fi
fi

# Rooms are fetched for at the same time, and before the tests: a slow registry must not look like a failing test.
unfetched=""
for room in tests/integrations/*/install.sh; do
  PICWARD_FETCH=no "$room" >/dev/null 2>&1 || unfetched="$unfetched $room"
done
if [ -n "$unfetched" ]; then echo "Fetching what tests need into the user's cache; this happens once …"; fi
logs=$(mktemp -d)
for room in $unfetched; do
  log=$logs/$(echo "$room" | tr / -)
  { "$room" >"$log" 2>&1 || { tail -5 "$log"; echo "$room could not fetch everything. Tests that need it are skipped; each says why."; }; } &
done
wait
rm -rf "$logs"
