#!/bin/sh
# Fetch what the tests of this room need from elsewhere.
set -eu
cd "$(dirname "$0")/server"
./fetch_wordpress.sh "${PICWARD_TEST_WORDPRESS:-deb}"
if [ "${PICWARD_TEST_WORDPRESS_DB:-mysql}" = sqlite ]; then ./fetch_sqlite.sh; fi
