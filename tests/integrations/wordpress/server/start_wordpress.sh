#!/usr/bin/env bash
# Boot a throw-away WordPress on the loop-back address and describe it in DIR/site.json. A second call re-uses DIR.
# Usage: start_wordpress.sh --src deb|deb:sid|deb:trixie --db mysql|sqlite --port P --root DIR [--plugin PATH] [--workers N]
set -euo pipefail

SRC=deb DB=mysql PORT= ROOT= PLUGIN= WORKERS=6
while [ $# -gt 0 ]; do
  case $1 in
    --src) SRC=$2 ;; --db) DB=$2 ;; --port) PORT=$2 ;; --root) ROOT=$2 ;; --plugin) PLUGIN=$2 ;; --workers) WORKERS=$2 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ -n "$PORT" ] && [ -n "$ROOT" ] || { echo "--port and --root are needed" >&2; exit 2; }
HERE=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$ROOT"
ROOT=$(cd "$ROOT" && pwd)
URL=http://127.0.0.1:$PORT

alive() { [ -f "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

if [ ! -f "$ROOT/www/wp-load.php" ]; then
  tree=$("$HERE/fetch_wordpress.sh" "$SRC")
  cp -a "$tree" "$ROOT/www"
  mkdir -p "$ROOT/www/wp-content/uploads"
fi

case $DB in
  mysql)
    socket=$ROOT/db.sock
    # A Unix socket's path has room for 107 bytes.
    [ ${#socket} -lt 108 ] || { echo "--root is too long for a MariaDB socket: $socket" >&2; exit 2; }
    if ! alive "$ROOT/db.pid"; then
      account=$(id -un)
      if [ "$(id -u)" = 0 ] && id mysql >/dev/null 2>&1; then account=mysql; fi
      if [ ! -d "$ROOT/db/mysql" ]; then
        mkdir -p "$ROOT/db"
        [ "$account" = mysql ] && chown mysql "$ROOT" "$ROOT/db"
        mariadb-install-db --no-defaults --user="$account" --datadir="$ROOT/db" \
          --auth-root-authentication-method=normal --skip-test-db > "$ROOT/db-install.log" 2>&1
      fi
      setsid mariadbd --no-defaults --user="$account" --datadir="$ROOT/db" --socket="$socket" --pid-file="$ROOT/db.pid" \
        --skip-networking --skip-name-resolve --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=0 \
        > "$ROOT/db.log" 2>&1 < /dev/null &
    fi
    for _ in $(seq 300); do mariadb-admin --no-defaults -uroot -S "$socket" ping >/dev/null 2>&1 && break; sleep 0.1; done
    mariadb --no-defaults -uroot -S "$socket" -e "CREATE DATABASE IF NOT EXISTS wp CHARACTER SET utf8mb4;
      CREATE USER IF NOT EXISTS wp@localhost IDENTIFIED BY 'wp'; GRANT ALL ON wp.* TO wp@localhost;"
    database="define( 'DB_NAME', 'wp' ); define( 'DB_USER', 'wp' ); define( 'DB_PASSWORD', 'wp' ); define( 'DB_HOST', 'localhost:$socket' );" ;;
  sqlite)
    dropin=$("$HERE/fetch_sqlite.sh")
    if [ ! -f "$ROOT/www/wp-content/db.php" ]; then
      mkdir -p "$ROOT/www/wp-content/plugins"
      cp -a "$dropin" "$ROOT/www/wp-content/plugins/sqlite-database-integration"
      sed -e "s#'{SQLITE_IMPLEMENTATION_FOLDER_PATH}'#__DIR__ . '/plugins/sqlite-database-integration'#" \
        -e 's#{SQLITE_PLUGIN}#sqlite-database-integration/load.php#' "$dropin/db.copy" > "$ROOT/www/wp-content/db.php"
    fi
    database="define( 'DB_NAME', 'wp' ); define( 'DB_USER', '' ); define( 'DB_PASSWORD', '' ); define( 'DB_HOST', '' );" ;;
  *) echo "unknown database $DB" >&2; exit 2 ;;
esac

cat > "$ROOT/www/wp-config.php" <<PHP
<?php
$database
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
foreach ( array( 'AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT' ) as \$name ) {
	define( \$name, 'throw-away-' . \$name );
}
\$table_prefix = 'wp_';
define( 'WP_HOME', '$URL' );
define( 'WP_SITEURL', '$URL' );
// Application passwords are refused without HTTPS unless the environment is local.
define( 'WP_ENVIRONMENT_TYPE', 'local' );
define( 'WP_DEBUG', true );
define( 'WP_DEBUG_DISPLAY', false );
define( 'WP_DEBUG_LOG', '$ROOT/debug.log' );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1,localhost' );
if ( is_file( '$ROOT/config-extra.php' ) ) {
	require '$ROOT/config-extra.php';
}
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
PHP

plugin_file=
if [ -n "$PLUGIN" ]; then
  name=$(basename "$PLUGIN")
  ln -sfn "$(cd "$PLUGIN" && pwd)" "$ROOT/www/wp-content/plugins/$name"
  plugin_file=$name/$name.php
fi
php -d display_errors=stderr "$HERE/setup.php" "$ROOT" "$URL" "$plugin_file"

if ! alive "$ROOT/php.pid"; then
  # Several workers: WP-Cron and the connector's call-backs arrive while a request is being answered.
  PHP_CLI_SERVER_WORKERS=$WORKERS setsid php -d upload_max_filesize=32M -d post_max_size=40M -d memory_limit=256M \
    -S "127.0.0.1:$PORT" -t "$ROOT/www" "$HERE/router.php" > "$ROOT/php.log" 2>&1 < /dev/null &
  echo $! > "$ROOT/php.pid"
fi
for _ in $(seq 300); do curl -fs -o /dev/null "$URL/wp-json/" && break; sleep 0.1; done
curl -fs -o /dev/null "$URL/wp-json/" || { echo "WordPress does not answer; see $ROOT/php.log" >&2; exit 1; }
cat "$ROOT/site.json"
