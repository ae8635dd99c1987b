#!/usr/bin/env bash
# Stop what start_wordpress.sh started in DIR. Usage: stop_wordpress.sh DIR
set -u
ROOT=${1:?a directory is needed}

if [ -f "$ROOT/php.pid" ]; then
  parent=$(cat "$ROOT/php.pid")
  # Workers are children of the server; one left behind would keep the port.
  workers=$(ps -o pid= --ppid "$parent")
  # shellcheck disable=SC2086
  kill $parent $workers 2>/dev/null
  rm -f "$ROOT/php.pid"
fi
if [ -f "$ROOT/db.pid" ]; then
  pid=$(cat "$ROOT/db.pid")
  kill "$pid" 2>/dev/null
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  rm -f "$ROOT/db.pid"
fi
exit 0
