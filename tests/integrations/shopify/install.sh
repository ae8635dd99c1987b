#!/bin/sh
# Fetch what the tests of this room need from elsewhere.
set -eu
"$(dirname "$0")/fetch_schema.sh"
