<?php
/**
 * Whether the connector gets through to this site, and who stands in its way.
 *
 * Kept in the option `picward_reach`: heard, when a signed request came last; sent, when the connector took a picture last; asked, when it
 * was last asked to call back; problem, what it found then; blocked, what stopped a signed request inside WordPress: at, status, name.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** When a signed request came is written down this often, in seconds. */
const PICWARD_HEARD_EVERY = 60;

/** A picture that was reported is asked for in a second or two; after so many seconds of silence the connector is asked to call back. */
const PICWARD_SILENCE = 120;

/** The connector is asked to call back at most this often, in seconds. */
const PICWARD_ASK_EVERY = 900;

/**
 * Give what is known: heard, sent, asked, problem, blocked.
 */
function picward_reach(): array {
	$stored = get_option( 'picward_reach' );
	return array_merge(
		array(
			'heard'   => 0,
			'sent'    => 0,
			'asked'   => 0,
			'problem' => '',
			'blocked' => array(),
		),
		is_array( $stored ) ? $stored : array()
	);
}

/**
 * Write down what is known.
 *
 * @param array $fields Some of heard, sent, asked, problem, blocked.
 */
function picward_touch_reach( array $fields ): void {
	update_option( 'picward_reach', array_merge( picward_reach(), $fields ), false );
}

/**
 * Note that the connector got through: whatever stood in its way is gone.
 */
function picward_note_heard(): void {
	$known = picward_reach();
	if ( time() - $known['heard'] >= PICWARD_HEARD_EVERY || $known['sent'] >= $known['heard'] || '' !== $known['problem'] || $known['blocked'] ) {
		picward_touch_reach(
			array(
				'heard'   => time(),
				'problem' => '',
				'blocked' => array(),
			)
		);
	}
}

/**
 * Ask the connector to call this site back from where it is, and tell it the address. Give its answer, or what it met.
 *
 * @return array|WP_Error
 */
function picward_ask_back() {
	$answer = picward_say_hello();
	$data   = is_wp_error( $answer ) ? (array) $answer->get_error_data() : array();
	picward_touch_reach(
		array(
			'asked'   => time(),
			// 502 with words is about this site; a proxy in front of a connector that is away has none.
			'problem' => 502 === ( $data['status'] ?? 0 ) ? picward_text( $data['data'], 'detail' ) : '',
		)
	);
	return $answer;
}

/**
 * Notice that the connector takes pictures and does not come for them: something lets requests out and none in. And tell it once of an update.
 */
function picward_watch_reach(): void {
	$known = picward_reach();
	$now   = time();
	$silent  = $known['sent'] > $known['heard'] && $now - $known['sent'] > PICWARD_SILENCE;
	$updated = PICWARD_TOLD !== ( picward_connection()['told'] ?? 0 );
	if ( 'connected' === ( picward_connection()['state'] ?? '' ) && ( $silent || $updated ) && $now - $known['asked'] > PICWARD_ASK_EVERY ) {
		picward_ask_back();
	}
}

/**
 * Say what keeps the connector out, in the owner's words. Empty when nothing does.
 */
function picward_reach_problem(): string {
	$known = picward_reach();
	if ( $known['blocked'] ) {
		$name = (string) ( $known['blocked']['name'] ?? '' );
		/* translators: %d: HTTP status. */
		$text = sprintf( __( 'Something on this site stops the requests of the connector (HTTP %d), so that no new picture is checked or hidden.', 'picward' ), (int) ( $known['blocked']['status'] ?? 0 ) );
		if ( '' !== $name ) {
			/* translators: 1: name of a plugin or theme, 2: HTTP status. */
			$text = sprintf( __( '“%1$s” restricts the REST API: it stops the requests of the connector (HTTP %2$d), so that no new picture is checked or hidden.', 'picward' ), $name, (int) ( $known['blocked']['status'] ?? 0 ) );
		}
		/* translators: %s: part of an address. */
		return $text . ' ' . sprintf( __( 'Allow addresses that contain %s there; the connector signs every request. What waits goes on by itself then.', 'picward' ), '/picward/v1/' );
	}
	if ( '' !== $known['problem'] ) {
		/* translators: %s: what the connector met. */
		return sprintf( __( 'The connector cannot reach this site, so that no new picture is checked or hidden: %s What waits goes on by itself when that ends.', 'picward' ), $known['problem'] );
	}
	return '';
}

/**
 * Watch what stops a request of the connector before it is served. Its signature is looked at only when something did.
 */
function picward_watch_request(): void {
	if ( '' === picward_asked_route() ) {
		return;
	}
	foreach ( array( 'status_header', 'wp_die_handler', 'wp_die_json_handler', 'wp_die_xml_handler', 'wp_redirect' ) as $hook ) {
		add_filter( $hook, 'picward_note_culprit', PHP_INT_MAX );
	}
	register_shutdown_function( 'picward_note_blocked' );
}

/**
 * Remember which plugin or theme answers the request, and hand the value on.
 *
 * @param mixed $value Whatever the filter carries.
 * @return mixed
 */
function picward_note_culprit( $value ) {
	picward_culprit( picward_caller() );
	return $value;
}

/**
 * Remember a name, or give it.
 *
 * @param string $name Name of a plugin or theme.
 */
function picward_culprit( string $name = '' ): string {
	static $known = '';
	$known        = '' === $name ? $known : $name;
	return $known;
}

/**
 * Name the plugin or theme whose code is running, other than this one. Empty when it is WordPress itself.
 */
function picward_caller(): string {
	// phpcs:ignore WordPress.PHP.DevelopmentFunctions -- the only way to know who answers in our place.
	foreach ( debug_backtrace( DEBUG_BACKTRACE_IGNORE_ARGS, 30 ) as $frame ) {
		$file = wp_normalize_path( $frame['file'] ?? '' );
		foreach ( array( WP_PLUGIN_DIR, WPMU_PLUGIN_DIR, get_theme_root() ) as $dir ) {
			$base = trailingslashit( wp_normalize_path( $dir ) );
			if ( 0 === strpos( $file, $base ) && 0 !== strpos( $file, wp_normalize_path( PICWARD_DIR ) ) ) {
				return picward_extension_name( substr( $file, strlen( $base ) ), $dir );
			}
		}
	}
	return '';
}

/**
 * Give the name that a plugin or theme shows to people, else that of its folder.
 *
 * @param string $file Path below the folder of plugins or themes.
 * @param string $dir  That folder.
 */
function picward_extension_name( string $file, string $dir ): string {
	list( $folder ) = explode( '/', $file );
	if ( get_theme_root() === $dir ) {
		return (string) wp_get_theme( $folder )->get( 'Name' );
	}
	require_once ABSPATH . 'wp-admin/includes/plugin.php';
	$path    = $dir . '/' . $folder;
	$plugins = is_file( $path ) ? array( $path ) : (array) glob( $path . '/*.php' );
	foreach ( $plugins as $plugin ) {
		$data = get_plugin_data( (string) $plugin, false, false );
		if ( '' !== $data['Name'] ) {
			return $data['Name'];
		}
	}
	return $folder;
}

/**
 * Write down that a signed request was stopped: it was ours, and our door never had it.
 */
function picward_note_blocked(): void {
	if ( ! picward_is_served() && picward_is_signed( picward_asked_route() ) ) {
		picward_touch_reach(
			array(
				'blocked' => array(
					'at'     => time(),
					'status' => (int) http_response_code(),
					'name'   => picward_culprit(),
				),
			)
		);
	}
}
