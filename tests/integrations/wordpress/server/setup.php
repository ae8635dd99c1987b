<?php
/**
 * Install WordPress, make the three accounts the tests use and write site.json. Arguments: root, address, plugin file.
 *
 * Names are prefixed because wp-settings.php runs in this scope and unsets $plugin and friends.
 */
list( , $wpt_root, $wpt_url, $wpt_plugin ) = $argv + array( 3 => '' );

$_SERVER['HTTP_HOST']       = parse_url( $wpt_url, PHP_URL_HOST ) . ':' . parse_url( $wpt_url, PHP_URL_PORT );
$_SERVER['SERVER_NAME']     = '127.0.0.1';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD']  = 'GET';
$_SERVER['REQUEST_URI']     = '/';

// The server is not up yet: a loop-back to wp-cron.php would be lost and its lock would keep cron from running for a minute.
define( 'DISABLE_WP_CRON', true );

if ( ! is_file( "$wpt_root/.installed" ) ) {
	define( 'WP_INSTALLING', true );
	require "$wpt_root/www/wp-load.php";
	require_once ABSPATH . 'wp-admin/includes/upgrade.php';
	add_filter( 'pre_wp_mail', '__return_true' );
	wp_install( 'Picture test', 'admin', 'admin@example.org', true, '', 'admin-pass-1' );
	update_option( 'permalink_structure', '/%postname%/' );
	touch( "$wpt_root/.installed" );
	// Rewrite rules and roles are only complete in a process that starts on an installed site.
	passthru( implode( ' ', array_map( 'escapeshellarg', array( PHP_BINARY, '-d', 'display_errors=stderr', __FILE__, $wpt_root, $wpt_url, $wpt_plugin ) ) ), $wpt_code );
	exit( $wpt_code );
}

require "$wpt_root/www/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/plugin.php';

$wpt_site = array(
	'url'  => $wpt_url,
	'root' => $wpt_root,
	'wp'   => get_bloginfo( 'version' ),
	'php'  => PHP_VERSION,
);
$wpt_people = array( 'admin' => 'administrator', 'editor1' => 'editor', 'author1' => 'author' );
foreach ( $wpt_people as $wpt_login => $wpt_role ) {
	$wpt_password = str_replace( '1', '', $wpt_login ) . '-pass-1';
	$wpt_user     = get_user_by( 'login', $wpt_login );
	if ( ! $wpt_user ) {
		$wpt_user = get_user_by(
			'id',
			wp_insert_user(
				array(
					'user_login' => $wpt_login,
					'user_pass'  => $wpt_password,
					'user_email' => "$wpt_login@example.org",
					'role'       => $wpt_role,
				)
			)
		);
	}
	WP_Application_Passwords::delete_all_application_passwords( $wpt_user->ID );
	list( $wpt_plain ) = WP_Application_Passwords::create_new_application_password( $wpt_user->ID, array( 'name' => 'tests' ) );

	$wpt_site[ $wpt_login ] = array(
		'id'           => $wpt_user->ID,
		'login'        => $wpt_login,
		'password'     => $wpt_password,
		'app_password' => WP_Application_Passwords::chunk_password( $wpt_plain ),
	);
}
if ( $wpt_plugin ) {
	$wpt_result = activate_plugin( $wpt_plugin );
	if ( is_wp_error( $wpt_result ) ) {
		fwrite( STDERR, $wpt_result->get_error_message() . "\n" );
		exit( 1 );
	}
}
flush_rewrite_rules();
file_put_contents( "$wpt_root/site.json", json_encode( $wpt_site, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES ) . "\n" );
