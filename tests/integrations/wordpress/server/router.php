<?php
/**
 * Route requests of PHP's own web server as a usual server with permalinks would.
 */
$root = $_SERVER['DOCUMENT_ROOT'];
$path = rawurldecode( (string) parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ) );

if ( '/' !== $path && is_file( $root . $path ) ) {
	return false;
}
$script = '/index.php';
if ( '/' !== $path && is_file( $root . rtrim( $path, '/' ) . '/index.php' ) ) {
	if ( '/' !== substr( $path, -1 ) ) {
		header( 'Location: ' . $path . '/', true, 301 );
		return true;
	}
	$script = rtrim( $path, '/' ) . '/index.php';
}
$_SERVER['SCRIPT_NAME'] = $script;
$_SERVER['PHP_SELF']    = $script;
chdir( dirname( $root . $script ) );
require $root . $script;
