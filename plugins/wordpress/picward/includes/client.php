<?php
/**
 * Signed requests to the connector.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Make an id that no other request has.
 *
 * @param string $kind Prefix, for whoever reads a log.
 */
function picward_new_id( string $kind ): string {
	return $kind . '_' . str_replace( '-', '', wp_generate_uuid4() );
}

/**
 * Send one signed request. Give status, decoded body and the raw text, or an error when nobody answered.
 *
 * @param string $path    Path below the connector's address.
 * @param string $type    What the body says it is.
 * @param array  $body    Fields beside v, to, site and type.
 * @param int    $timeout Seconds.
 * @param string $id      The webhook-id; a retry of the same event repeats it, with a new time.
 * @return array|WP_Error
 */
function picward_send( string $path, string $type, array $body, int $timeout, string $id ) {
	$connection = picward_connection();
	if ( ! $connection ) {
		return new WP_Error( 'picward_not_paired', __( 'This site is not connected to a Picward connector.', 'picward' ) );
	}
	$envelope  = array(
		'v'    => 1,
		'to'   => 'connector',
		'type' => $type,
		'site' => $connection['site'],
	);
	$raw       = (string) wp_json_encode( $envelope + $body, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE );
	$timestamp = (string) time();

	// Not wp_safe_remote_post(): it refuses private addresses, and a self-hosted connector often has one. The owner entered this one.
	$answer = wp_remote_post(
		$connection['url'] . $path,
		array(
			'timeout'             => $timeout,
			'redirection'         => 0,
			'limit_response_size' => 2 * MB_IN_BYTES,
			'user-agent'          => 'Picward-WordPress/' . PICWARD_VERSION,
			'body'                => $raw,
			'headers'             => array(
				'Content-Type'      => 'application/json',
				'Accept'            => 'application/json',
				'picward-site'      => $connection['site'],
				'webhook-id'        => $id,
				'webhook-timestamp' => $timestamp,
				'webhook-signature' => picward_sign( $connection['secret'], $id, $timestamp, $raw ),
			),
		)
	);
	if ( is_wp_error( $answer ) ) {
		return picward_explain_failure( $answer, $connection['url'] );
	}
	$data = json_decode( wp_remote_retrieve_body( $answer ), true, 64 );
	return array(
		'status' => (int) wp_remote_retrieve_response_code( $answer ),
		'data'   => is_array( $data ) ? $data : array(),
	);
}

/**
 * Ask the connector something. Give the decoded answer, or an error made for the owner's eyes.
 *
 * @param string $path    Path below the connector's address.
 * @param string $type    What the body says it is.
 * @param array  $body    Other fields.
 * @param int    $timeout Seconds.
 * @return array|WP_Error
 */
function picward_ask( string $path, string $type, array $body = array(), int $timeout = 5 ) {
	$answer = picward_send( $path, $type, $body, $timeout, picward_new_id( 'ask' ) );
	if ( is_wp_error( $answer ) ) {
		return $answer;
	}
	if ( $answer['status'] >= 200 && $answer['status'] < 300 ) {
		return $answer['data'];
	}
	return new WP_Error( 'picward_refused', picward_explain_status( $answer['status'], $answer['data'] ), $answer );
}

/**
 * Say in the owner's words why nobody answered.
 *
 * @param WP_Error $error What the HTTP functions said.
 * @param string   $url   The connector's address.
 */
function picward_explain_failure( WP_Error $error, string $url ): WP_Error {
	$host = (string) wp_parse_url( $url, PHP_URL_HOST );
	if ( 'http_request_not_executed' === $error->get_error_code() ) {
		/* translators: %s: host name. */
		$text = sprintf( __( 'WordPress is forbidden to contact %s: WP_HTTP_BLOCK_EXTERNAL is set. Add the host to WP_ACCESSIBLE_HOSTS in wp-config.php.', 'picward' ), $host );
	} else {
		/* translators: 1: address, 2: technical reason. */
		$text = sprintf( __( 'The connector at %1$s did not answer: %2$s', 'picward' ), $url, $error->get_error_message() );
	}
	return new WP_Error( 'picward_unreachable', $text );
}

/**
 * Say in the owner's words what a status other than 2xx means.
 *
 * @param int   $status HTTP status.
 * @param array $data   Decoded problem+json, or empty.
 */
function picward_explain_status( int $status, array $data ): string {
	$detail = picward_text( $data, 'detail' );
	if ( '' !== $detail ) {
		return $detail;
	}
	if ( 401 === $status || 403 === $status ) {
		return __( 'The connector does not accept this site’s signature. Either the clocks of the two machines differ by more than five minutes, or the pairing was ended at the connector: ask its console for a new pairing code.', 'picward' );
	}
	if ( $status >= 300 && $status < 400 ) {
		/* translators: %d: HTTP status. */
		return sprintf( __( 'The connector’s address redirects (HTTP %d). The pairing code must hold its final address.', 'picward' ), $status );
	}
	if ( 404 === $status ) {
		return __( 'Something answers at the connector’s address, but it is not a Picward connector (HTTP 404).', 'picward' );
	}
	/* translators: %d: HTTP status. */
	return sprintf( __( 'The connector answered with HTTP %d.', 'picward' ), $status );
}
