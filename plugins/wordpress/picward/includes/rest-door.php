<?php
/**
 * Who may use the connector's routes: only a request whose exact bytes are signed with this site's secret.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** A decision is small; more than this is not from the connector. */
const PICWARD_BODY_LIMIT = 1048576;

/**
 * Check requests to our routes before WordPress looks at them: it would answer 400 to a body that is no JSON, and tell one refusal from another.
 *
 * @param mixed           $result  What another filter answered.
 * @param WP_REST_Server  $server  Server.
 * @param WP_REST_Request $request Request.
 * @return mixed
 */
function picward_guard_routes( $result, $server, $request ) {
	if ( null !== $result || 0 !== strpos( $request->get_route(), '/picward/v1/' ) ) {
		return $result;
	}
	$body = picward_authenticate( $request );
	if ( null === $body ) {
		return picward_unauthorized();
	}
	picward_order( $request, $body );
	return null;
}
add_filter( 'rest_pre_dispatch', 'picward_guard_routes', 5, 3 );

/**
 * Give the signed body, or null for whatever reason it is not acceptable.
 *
 * @param WP_REST_Request $request Request.
 */
function picward_authenticate( WP_REST_Request $request ): ?array {
	$connection = picward_connection();
	$raw        = (string) $request->get_body();
	$id         = (string) $request->get_header( 'webhook-id' );
	$type       = substr( $request->get_route(), strlen( '/picward/v1/' ) );
	$signed     = $connection && 'POST' === $request->get_method() && strlen( $raw ) <= PICWARD_BODY_LIMIT
		&& picward_verify( $connection['secret'], $id, (string) $request->get_header( 'webhook-timestamp' ), (string) $request->get_header( 'webhook-signature' ), $raw, time() );
	if ( ! $signed ) {
		return null;
	}
	$body = json_decode( $raw, true, 32 );
	if ( ! is_array( $body ) || 1 !== ( $body['v'] ?? null ) || 'site' !== ( $body['to'] ?? null ) || $type !== ( $body['type'] ?? null ) || $connection['site'] !== ( $body['site'] ?? null ) ) {
		return null;
	}
	if ( in_array( $type, array( 'decision', 'settings' ), true ) && ! picward_first_time( $id, time() ) ) {
		return null;
	}
	return $body;
}

/**
 * Remember the proven body of a request, or give it.
 *
 * @param WP_REST_Request $request Request.
 * @param array|null      $body    Body to remember.
 */
function picward_order( WP_REST_Request $request, ?array $body = null ): ?array {
	static $known = array();
	if ( null !== $body ) {
		// The request is kept with it, so that its number cannot be given to another.
		$known[ spl_object_id( $request ) ] = array( $request, $body );
	}
	return $known[ spl_object_id( $request ) ][1] ?? null;
}

/**
 * Let a request pass that was proven; those that came past the first check, as parts of a batch do, were not.
 *
 * @param WP_REST_Request $request Request.
 * @return true|WP_Error
 */
function picward_permit( WP_REST_Request $request ) {
	return null === picward_order( $request ) ? picward_unauthorized() : true;
}

/**
 * Give the one refusal, the same for every reason.
 */
function picward_unauthorized(): WP_Error {
	return new WP_Error( 'picward_unauthorized', __( 'This request is not signed by the connector of this site.', 'picward' ), array( 'status' => 401 ) );
}
