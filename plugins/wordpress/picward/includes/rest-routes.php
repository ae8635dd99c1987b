<?php
/**
 * The connector's routes: status, bytes, decision, list, drain, settings.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Register the routes.
 */
function picward_register_routes(): void {
	foreach ( PICWARD_ROUTES as $name ) {
		register_rest_route(
			'picward/v1',
			'/' . $name,
			array(
				'methods'             => 'POST',
				'callback'            => 'picward_route_' . $name,
				'permission_callback' => 'picward_permit',
				'show_in_index'       => false,
			)
		);
	}
}
add_action( 'rest_api_init', 'picward_register_routes' );

/**
 * Say how this site is.
 */
function picward_route_status(): array {
	$outbox   = picward_outbox_state();
	$problems = picward_problems();
	unset( $outbox['parked'] );
	return array(
		'plugin'        => PICWARD_VERSION,
		'wp'            => get_bloginfo( 'version' ),
		'php'           => PHP_VERSION,
		'name'          => html_entity_decode( get_bloginfo( 'name' ), ENT_QUOTES, 'UTF-8' ),
		'mode'          => picward_mode(),
		'quarantine'    => picward_quarantine_state(),
		'outbox'        => $outbox,
		'media_total'   => picward_media_total(),
		'not_looked_at' => (object) picward_unseen(),
		'problems'      => array_values( $problems ),
		'problem_codes' => array_keys( $problems ),
	);
}

/**
 * Count the pictures of the media library.
 */
function picward_media_total(): int {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- wp_count_attachments() counts by each of dozens of types, and not what is in the bin.
	return (int) $wpdb->get_var( "SELECT COUNT(*) FROM {$wpdb->posts} WHERE post_type = 'attachment' AND post_mime_type LIKE 'image/%'" );
}

/**
 * Make a decision true.
 *
 * @param WP_REST_Request $request Request.
 * @return array|WP_Error
 */
function picward_route_decision( WP_REST_Request $request ) {
	return picward_apply( (array) picward_order( $request ) );
}

/**
 * Empty the outbox now: the connector is there, it has just asked.
 */
function picward_route_drain(): array {
	picward_touch_connection( array( 'state' => 'connected' ) );
	picward_finish_unfinished();
	picward_settle_journals();
	return picward_drain( 20, true );
}

/**
 * Keep the settings that the connector tells.
 *
 * @param WP_REST_Request $request Request.
 */
function picward_route_settings( WP_REST_Request $request ): array {
	picward_keep_settings( (array) picward_order( $request ) );
	return array( 'state' => 'done' );
}

/**
 * List pictures by ascending id.
 *
 * @param WP_REST_Request $request Request.
 */
function picward_route_list( WP_REST_Request $request ): array {
	global $wpdb;
	$order = (array) picward_order( $request );
	$after = (int) picward_text( $order, 'after' );
	$limit = max( 1, min( 200, (int) picward_text( $order, 'limit' ) ) );
	// phpcs:ignore WordPress.DB -- WP_Query cannot start behind an id.
	$ids   = array_map( 'intval', $wpdb->get_col( $wpdb->prepare( "SELECT ID FROM {$wpdb->posts} WHERE post_type = 'attachment' AND post_mime_type LIKE %s AND ID > %d ORDER BY ID LIMIT %d", 'image/%', $after, $limit + 1 ) ) );
	$next  = count( $ids ) > $limit;
	$ids   = array_slice( $ids, 0, $limit );
	$items = array();
	$until = time() + 15;
	_prime_post_caches( $ids, false, true );
	foreach ( $ids as $id ) {
		$media = picward_describe( $id );
		if ( $media ) {
			$items[] = $media;
		}
		picward_note_missing( $id, ! $media );
		$after = $id;
		// Hashing big files for the first time takes long; the rest is asked for in the next call.
		if ( time() >= $until && end( $ids ) !== $id ) {
			$next = true;
			break;
		}
	}
	return array(
		'items' => $items,
		'next'  => $next ? $after : 0,
		'total' => picward_media_total(),
	);
}

/**
 * Give an original's raw bytes, out of the quarantine if it is there.
 *
 * @param WP_REST_Request $request Request.
 * @return WP_REST_Response|WP_Error
 */
function picward_route_bytes( WP_REST_Request $request ) {
	$order = (array) picward_order( $request );
	$id    = (int) picward_text( $order, 'id' );
	picward_take_time();
	try {
		// Kept until the bytes are sent: a swap in between would mix two pictures. Without a quarantine nothing is swapped.
		$lock     = picward_prepare_quarantine() ? picward_lock( $id, true ) : null;
		$original = picward_is_picture( $id ) ? picward_original( $id, true ) : array();
		$found    = '' === ( $original['blob'] ?? '' ) ? $original['sha256'] ?? '' : picward_blob_hash( $original['blob'] );
		if ( ! hash_equals( $found, picward_text( $order, 'sha256' ) ) ) {
			picward_unlock( $lock );
			return $original ? picward_changed( $id, __( 'The picture has other bytes now.', 'picward' ) ) : new WP_Error( 'picward_gone', __( 'This picture is not on the site any more.', 'picward' ), array( 'status' => 404 ) );
		}
	} catch ( RuntimeException $error ) {
		return new WP_Error( 'picward_quarantine', $error->getMessage(), array( 'status' => 500 ) );
	}
	picward_to_stream( array( $original, $lock ) );
	$response = new WP_REST_Response( null );
	$response->header( 'Content-Type', 'application/octet-stream' );
	$response->header( 'Content-Length', (string) $original['bytes'] );
	$response->header( 'Cache-Control', 'no-store' );
	return $response;
}

/**
 * Remember what is to be streamed, or give it.
 *
 * @param array|null $what Original and lock.
 */
function picward_to_stream( ?array $what = null ): ?array {
	static $stream = null;
	$stream        = $what ?? $stream;
	return $stream;
}

/**
 * Stream raw bytes in the place of JSON.
 *
 * @param bool             $served  Whether another filter answered.
 * @param WP_HTTP_Response $result  Response.
 * @param WP_REST_Request  $request Request.
 */
function picward_serve_bytes( $served, $result, $request ): bool {
	$stream = picward_to_stream();
	if ( $served || null === $stream || '/picward/v1/bytes' !== $request->get_route() || 200 !== $result->get_status() ) {
		return (bool) $served;
	}
	list( $original, $lock ) = $stream;
	// Compression or buffering by others would make Content-Length a lie.
	ini_set( 'zlib.output_compression', 'Off' ); // phpcs:ignore WordPress.PHP.IniSet -- see above.
	while ( ob_get_level() > 0 ) {
		ob_end_clean();
	}
	if ( '' === $original['blob'] ) {
		readfile( $original['path'] ); // phpcs:ignore WordPress.WP.AlternativeFunctions -- streams without holding the file in memory.
	} else {
		foreach ( picward_blob_pieces( $original['blob'] ) as $piece ) {
			echo $piece; // phpcs:ignore WordPress.Security.EscapeOutput -- raw bytes by design, as application/octet-stream to a signed request.
			flush();
		}
	}
	if ( $lock ) {
		picward_unlock( $lock );
	}
	return true;
}
add_filter( 'rest_pre_serve_request', 'picward_serve_bytes', 10, 3 );
