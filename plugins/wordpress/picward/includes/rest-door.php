<?php
/**
 * Who may use the connector's routes: only a request whose exact bytes are signed with this site's secret.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** A decision is small; more than this is not from the connector. */
const PICWARD_BODY_LIMIT = 1048576;

/** The connector's routes below picward/v1. */
const PICWARD_ROUTES = array( 'status', 'bytes', 'decision', 'list', 'drain', 'settings' );

/**
 * Name the route that this request asks for, whatever the permalinks and the prefix of the REST API are by now. Empty when it is none of ours.
 */
function picward_asked_route(): string {
	// phpcs:disable WordPress.Security.NonceVerification, WordPress.Security.ValidatedSanitizedInput -- compared with fixed names, and proven by its signature.
	$path = isset( $_GET['rest_route'] ) && is_string( $_GET['rest_route'] ) ? wp_unslash( $_GET['rest_route'] ) : (string) wp_parse_url( $_SERVER['REQUEST_URI'] ?? '', PHP_URL_PATH );
	// phpcs:enable
	return preg_match( '#/picward/v1/([a-z]+)/?$#D', $path, $found ) && in_array( $found[1], PICWARD_ROUTES, true ) ? $found[1] : '';
}

/**
 * Serve a signed request before anything else on the site has a say: plugins that close the REST API mean strangers, and addresses change.
 *
 * What is not signed goes the usual way, and is refused there.
 */
function picward_serve_signed(): void {
	$route = picward_asked_route();
	if ( '' === $route || ! picward_is_signed( $route ) ) {
		return;
	}
	picward_is_served( true );
	foreach ( array( 'rest_authentication_errors', 'rest_api_init', 'rest_endpoints', 'rest_pre_dispatch', 'rest_request_before_callbacks', 'rest_dispatch_request', 'rest_request_after_callbacks', 'rest_post_dispatch', 'rest_pre_serve_request', 'rest_pre_echo_response' ) as $hook ) {
		remove_all_filters( $hook );
	}
	add_action( 'rest_api_init', 'picward_register_routes' );
	add_filter( 'rest_pre_dispatch', 'picward_guard_routes', 5, 3 );
	add_filter( 'rest_pre_serve_request', 'picward_serve_bytes', 10, 3 );
	add_filter( 'rest_pre_serve_request', 'picward_serve_answer', 20, 4 );
	if ( ! defined( 'REST_REQUEST' ) ) {
		define( 'REST_REQUEST', true );
	}
	$GLOBALS['wp_rest_server'] = null; // phpcs:ignore WordPress.WP.GlobalVariablesOverride -- one that was made earlier may know our routes no more.
	rest_get_server()->serve_request( '/picward/v1/' . $route );
	exit;
}
add_action( 'wp_loaded', 'picward_serve_signed', PHP_INT_MIN );

/**
 * Answer with JSON that is signed with the id of the request: no cache and no stranger can give it in our place.
 *
 * @param bool             $served  Whether another filter answered.
 * @param WP_HTTP_Response $result  Response.
 * @param WP_REST_Request  $request Request.
 * @param WP_REST_Server   $server  Server.
 */
function picward_serve_answer( $served, $result, $request, $server ): bool {
	if ( $served ) {
		return true;
	}
	$json = (string) wp_json_encode( $server->response_to_data( $result, false ), JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE );
	$time = (string) time();
	$server->send_header( 'webhook-timestamp', $time );
	$server->send_header( 'webhook-signature', picward_sign( picward_connection()['secret'] ?? '', (string) $request->get_header( 'webhook-id' ), $time, $json ) );
	echo $json; // phpcs:ignore WordPress.Security.EscapeOutput -- JSON, as application/json to a signed request.
	return true;
}

/**
 * Note that our door has the request, or say whether it has.
 *
 * @param bool $now Note it.
 */
function picward_is_served( bool $now = false ): bool {
	static $served = false;
	$served        = $served || $now;
	return $served;
}

/**
 * Say whether this request's bytes are signed for a route. It may be asked again: what must not work twice is noted later.
 *
 * @param string $route Name of the route.
 */
function picward_is_signed( string $route ): bool {
	if ( '' === $route ) {
		return false;
	}
	$request = new WP_REST_Request( isset( $_SERVER['REQUEST_METHOD'] ) ? sanitize_key( $_SERVER['REQUEST_METHOD'] ) : '', '/picward/v1/' . $route );
	$request->set_headers( ( new WP_REST_Server() )->get_headers( wp_unslash( $_SERVER ) ) );
	$request->set_body( WP_REST_Server::get_raw_data() );
	return null !== picward_signed_body( $request );
}

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
 * Give the signed body of a request that may be acted on, or null for whatever reason it may not.
 *
 * @param WP_REST_Request $request Request.
 */
function picward_authenticate( WP_REST_Request $request ): ?array {
	$body = picward_signed_body( $request );
	if ( null === $body || ( in_array( $body['type'], array( 'decision', 'settings' ), true ) && ! picward_first_time( (string) $request->get_header( 'webhook-id' ), time() ) ) ) {
		return null;
	}
	picward_note_heard();
	return $body;
}

/**
 * Give the body of a request that the connector signed for this route of this site, or null.
 *
 * @param WP_REST_Request $request Request.
 */
function picward_signed_body( WP_REST_Request $request ): ?array {
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
	$ours = is_array( $body ) && 1 === ( $body['v'] ?? null ) && 'site' === ( $body['to'] ?? null ) && ( $body['type'] ?? null ) === $type && ( $body['site'] ?? null ) === $connection['site'];
	return $ours ? $body : null;
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
