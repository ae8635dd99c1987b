<?php
/**
 * Standard Webhooks 1.0.0: one secret, both directions.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** Clocks may differ by so many seconds, in either direction. */
const PICWARD_TOLERANCE = 300;

/**
 * Give the key inside a secret. Empty when the secret is not one: an empty key would make every signature guessable.
 *
 * @param string $secret Begins with whsec_.
 */
function picward_secret_bytes( string $secret ): string {
	if ( 0 !== strpos( $secret, 'whsec_' ) ) {
		return '';
	}
	$key = base64_decode( substr( $secret, 6 ), true ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_decode -- the format of Standard Webhooks.
	return is_string( $key ) && strlen( $key ) >= 24 ? $key : '';
}

/**
 * Sign a body. Give one signature with its version.
 *
 * @param string $secret    Begins with whsec_.
 * @param string $id        The webhook-id.
 * @param string $timestamp Unix seconds.
 * @param string $body      Raw body.
 */
function picward_sign( string $secret, string $id, string $timestamp, string $body ): string {
	$mac = hash_hmac( 'sha256', $id . '.' . $timestamp . '.' . $body, picward_secret_bytes( $secret ), true );
	return 'v1,' . base64_encode( $mac ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_encode -- the format of Standard Webhooks.
}

/**
 * Say whether one of the signatures in the header is ours and the time is now.
 *
 * @param string $secret     Begins with whsec_.
 * @param string $id         The webhook-id.
 * @param string $timestamp  Unix seconds, as sent.
 * @param string $signatures Several, separated by blanks, while a secret is rotated.
 * @param string $body       Raw body.
 * @param int    $now        Unix seconds.
 */
function picward_verify( string $secret, string $id, string $timestamp, string $signatures, string $body, int $now ): bool {
	if ( '' === picward_secret_bytes( $secret ) || ! preg_match( '/\A[\x21-\x7e]{1,190}\z/', $id ) || ! preg_match( '/\A[0-9]{1,12}\z/', $timestamp ) ) {
		return false;
	}
	if ( abs( $now - (int) $timestamp ) > PICWARD_TOLERANCE ) {
		return false;
	}
	$expected = picward_sign( $secret, $id, $timestamp, $body );
	$found    = false;
	foreach ( array_slice( explode( ' ', $signatures ), 0, 16 ) as $signature ) {
		$found = hash_equals( $expected, $signature ) || $found;
	}
	return $found;
}

/**
 * Note a webhook-id. Say false when it was seen before: the same signed order must not work twice.
 *
 * @param string $id  The webhook-id.
 * @param int    $now Unix seconds.
 */
function picward_first_time( string $id, int $now ): bool {
	global $wpdb;
	$table = picward_table( 'seen' );
	// phpcs:disable WordPress.DB -- own table, its name cannot be a placeholder before WordPress 6.2.
	if ( 0 === wp_rand( 0, 49 ) ) {
		$wpdb->query( $wpdb->prepare( "DELETE FROM $table WHERE seen_at < %d", $now - 4 * PICWARD_TOLERANCE ) );
	}
	return 1 === (int) $wpdb->query( $wpdb->prepare( "INSERT IGNORE INTO $table (webhook_id, seen_at) VALUES (%s, %d)", $id, $now ) );
	// phpcs:enable
}
