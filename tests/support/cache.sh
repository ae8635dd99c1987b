# shellcheck shell=bash
# Sourced by the scripts that fetch what tests need. It is kept in the user's cache, so that a second run needs no network.
CACHE=${PICWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/picward-tests}
TRIES=3
TRY_SECONDS=300   # a registry was seen to take two minutes for 14 MB

# ready DIR FILE: print DIR and end when it is there; go on to fetch it, unless PICWARD_FETCH=no asks for what is there only.
ready() {
  if [ -e "$1/$2" ]; then echo "$1"; exit 0; fi
  if [ "${PICWARD_FETCH:-yes}" = no ]; then echo "$1 is not there yet" >&2; exit 3; fi
  mkdir -p "$CACHE"
}

# place DIR TARGET FILE: move what is complete to where it is kept, and print that; another run may have been faster.
place() {
  mv -T "$1" "$2" 2>/dev/null || [ -e "$2/$3" ]
  echo "$2"
}

# persist COMMAND…: run it until it succeeds, at most TRIES times, each within TRY_SECONDS.
persist() {
  local try
  command -v "$1" >/dev/null || { echo "$1 is not installed" >&2; return 1; }
  for ((try = 1; try <= TRIES; try++)); do
    timeout -k 5 "$TRY_SECONDS" "$@" >&2 && return 0
    echo "try $try of $TRIES failed: $*" >&2
  done
  return 1
}
