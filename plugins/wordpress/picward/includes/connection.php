<?php
/**
 * The connection to the connector: pairing code, secret, and the copy of the settings that must be known while it is away.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** What the connector is told of this plugin when it connects; raise it when that changes: it is told again then. */
const PICWARD_TOLD = 2;

/**
 * Read a pairing code. Give the connection, or an error that says what is wrong with the code.
 *
 * @param string $code What the owner pasted.
 * @return array|WP_Error
 */
function picward_read_pairing_code( string $code ) {
	// Mail programs and chats break long words and add blanks.
	$code = (string) preg_replace( '/\s+/', '', $code );
	if ( '' === $code ) {
		return new WP_Error( 'picward_code', __( 'Paste the pairing code that the Picward console shows for this site.', 'picward' ) );
	}
	if ( 0 !== strpos( $code, 'picward1_' ) ) {
		return new WP_Error( 'picward_code', __( 'This is not a pairing code: it begins with “picward1_”.', 'picward' ) );
	}
	$json = base64_decode( strtr( substr( $code, 9 ), '-_', '+/' ), true ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_decode -- the format of the code.
	$data = is_string( $json ) ? json_decode( $json, true, 4 ) : null;
	if ( ! is_array( $data ) || ! isset( $data['url'], $data['site'], $data['secret'] ) || ! is_string( $data['url'] ) || ! is_string( $data['site'] ) || ! is_string( $data['secret'] ) ) {
		return new WP_Error( 'picward_code', __( 'The pairing code is incomplete. Copy it again, from its first to its last character.', 'picward' ) );
	}
	$url = esc_url_raw( untrailingslashit( $data['url'] ), array( 'http', 'https' ) );
	if ( '' === $url || ! wp_parse_url( $url, PHP_URL_HOST ) || '' === $data['site'] || '' === picward_secret_bytes( $data['secret'] ) ) {
		return new WP_Error( 'picward_code', __( 'The pairing code is damaged. Ask the console for a new one.', 'picward' ) );
	}
	return array(
		'url'    => $url,
		'site'   => $data['site'],
		'secret' => $data['secret'],
	);
}

/**
 * Give the stored connection: url, site, secret, state (new, connected, refused), name, found, console_url, error. Empty when there is none.
 */
function picward_connection(): array {
	$stored = get_option( 'picward_connection' );
	$stored = is_array( $stored ) ? $stored : array();
	if ( defined( 'PICWARD_PAIRING_CODE' ) ) {
		$fixed = picward_read_pairing_code( (string) PICWARD_PAIRING_CODE );
		if ( is_wp_error( $fixed ) ) {
			return array();
		}
		$same = isset( $stored['site'] ) && $stored['site'] === $fixed['site'];
		return array_merge( array( 'state' => 'new' ), $same ? $stored : array(), $fixed );
	}
	return isset( $stored['url'], $stored['site'], $stored['secret'] ) ? $stored : array();
}

/**
 * Store the connection. Not autoloaded: only few requests need it, and it holds a secret.
 *
 * @param array $connection As picward_connection() gives it.
 */
function picward_save_connection( array $connection ): void {
	update_option( 'picward_connection', $connection, false );
}

/**
 * Change some fields of the connection.
 *
 * @param array $fields Field names and values.
 */
function picward_touch_connection( array $fields ): void {
	$connection = picward_connection();
	if ( $connection && array_diff_assoc( $fields, $connection ) ) {
		picward_save_connection( array_merge( $connection, $fields ) );
	}
}

/**
 * Say whether the site is paired, be the connector reachable or not.
 */
function picward_is_paired(): bool {
	return array() !== picward_connection();
}

/**
 * Pair with the connector: store the connection, say hello, and keep it only when the connector has called back.
 *
 * @param string $code Pairing code.
 * @return array|WP_Error The connector's answer.
 */
function picward_connect( string $code ) {
	$connection = picward_read_pairing_code( $code );
	if ( is_wp_error( $connection ) ) {
		return $connection;
	}
	$before = get_option( 'picward_connection' );
	// Stored before the hello: the connector calls `status` back while it answers, and that call is signed with this secret.
	picward_save_connection( array_merge( $connection, array( 'state' => 'new' ) ) );

	$answer = picward_say_hello();
	if ( is_wp_error( $answer ) ) {
		if ( is_array( $before ) ) {
			picward_save_connection( $before );
		} else {
			delete_option( 'picward_connection' );
		}
		return $answer;
	}
	picward_touch_connection( array( 'connected_at' => time() ) );
	if ( ( $before['site'] ?? '' ) !== $connection['site'] ) {
		picward_tell_hidden();
	}
	picward_schedule();
	return $answer;
}

/**
 * Tell a connector that does not know this site yet of the pictures that are hidden here, so that it can judge them and give them back.
 */
function picward_tell_hidden(): void {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- no function looks a meta key up without its post; as many as there are hidden pictures.
	foreach ( $wpdb->get_col( "SELECT post_id FROM {$wpdb->postmeta} WHERE meta_key = '_picward_hidden'" ) as $id ) {
		$media = picward_is_picture( (int) $id ) ? picward_describe( (int) $id ) : array();
		if ( $media ) {
			picward_report( (int) $id, $media );
		}
	}
}

/**
 * Say where this site is, and have the connector call it back from there. Give its answer, which is kept.
 *
 * @return array|WP_Error
 */
function picward_say_hello() {
	$answer = picward_ask(
		'/door/wordpress',
		'connect',
		array(
			'rest_url' => rest_url(),
			'home_url' => home_url( '/' ),
			'name'     => get_bloginfo( 'name' ),
			'wp'       => get_bloginfo( 'version' ),
			'php'      => PHP_VERSION,
			'plugin'   => PICWARD_VERSION,
			'answers'  => 'signed',
		),
		15
	);
	if ( ! is_wp_error( $answer ) ) {
		picward_touch_connection(
			array(
				'state'       => 'connected',
				'told'        => PICWARD_TOLD,
				'name'        => picward_text( $answer, 'name' ),
				'found'       => picward_text( $answer, 'found' ),
				'console_url' => esc_url_raw( picward_text( $answer, 'console_url' ), array( 'http', 'https' ) ),
				'error'       => '',
			)
		);
		picward_keep_settings( $answer );
	}
	return $answer;
}

/**
 * Forget the connection and what still waited for it. Hidden pictures stay hidden.
 */
function picward_disconnect(): void {
	global $wpdb;
	picward_ask( '/webhooks/wordpress', 'site.removed', array(), 5 );
	delete_option( 'picward_connection' );
	delete_option( 'picward_settings' );
	$wpdb->query( 'DELETE FROM ' . picward_table( 'outbox' ) ); // phpcs:ignore WordPress.DB -- own table.
}

/**
 * Keep a copy of the settings that the connector told us.
 *
 * @param array $answer Has values, and perhaps declaration and policy.
 */
function picward_keep_settings( array $answer ): void {
	$copy = picward_settings_copy();
	foreach ( array( 'values', 'declaration', 'policy' ) as $part ) {
		if ( isset( $answer[ $part ] ) && is_array( $answer[ $part ] ) ) {
			$copy[ $part ] = $answer[ $part ];
		}
	}
	$copy['at'] = time();
	update_option( 'picward_settings', $copy, true );
}

/**
 * Give the copy of the settings: values, declaration, policy, at.
 */
function picward_settings_copy(): array {
	$copy = get_option( 'picward_settings' );
	return array_merge(
		array(
			'values'      => array(),
			'declaration' => array(),
			'policy'      => array(),
			'at'          => 0,
		),
		is_array( $copy ) ? $copy : array()
	);
}

/**
 * Give one setting as the connector last told it.
 *
 * @param string $name    Name of the setting.
 * @param mixed  $default What holds when the connector never mentioned it.
 * @return mixed
 */
function picward_setting( string $name, $default ) {
	$values = picward_settings_copy()['values'];
	return $values[ $name ] ?? $default;
}

/**
 * Say whether the site's policy acts on nothing but known pictures. Where the connector does not say it, nobody knows.
 */
function picward_only_watches(): bool {
	return picward_is_paired() && ! empty( picward_settings_copy()['policy']['only_watches'] );
}

/**
 * Give the mode: flag, hide or hold. Without a connection nothing may be held, for nobody would release it.
 */
function picward_mode(): string {
	$mode = picward_setting( 'mode', 'hide' );
	return picward_is_paired() && in_array( $mode, array( 'flag', 'hide', 'hold' ), true ) ? $mode : 'flag';
}

/**
 * Read a text out of foreign JSON.
 *
 * @param array  $data Decoded JSON.
 * @param string $name Field.
 */
function picward_text( array $data, string $name ): string {
	return isset( $data[ $name ] ) && is_scalar( $data[ $name ] ) ? (string) $data[ $name ] : '';
}
