<?php
/**
 * The outbox: what the connector has yet to be told. A row is stored before anybody tries to send it and goes when it arrived.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** A row that is being sent is left alone by others for so many seconds; more than a request may take. */
const PICWARD_LEASE = 60;

/**
 * Put an event into the outbox, once. Say whether it is new.
 *
 * @param string $key     The event's identity, which travels as webhook-id.
 * @param string $type    media.uploaded, media.deleted, verdict.given or erasure.wanted.
 * @param int    $id      Attachment, or 0.
 * @param array  $payload Fields beside v, to, site and type.
 */
function picward_enqueue( string $key, string $type, int $id, array $payload ): bool {
	global $wpdb;
	$table = picward_table( 'outbox' );
	$now   = time();
	// phpcs:disable WordPress.DB -- own table, its name cannot be a placeholder before WordPress 6.2.
	$sql = "INSERT IGNORE INTO $table (event_key, event_type, attachment_id, payload, next_at, last_error, created_at) VALUES (%s, %s, %d, %s, %d, '', %d)";
	return 1 === (int) $wpdb->query( $wpdb->prepare( $sql, $key, $type, $id, wp_json_encode( $payload, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE ), $now, $now ) );
	// phpcs:enable
}

/**
 * Take an event out that nobody has begun to send. Say whether that is so: else the connector has it, or will.
 *
 * @param string $key The event's identity.
 */
function picward_take_out( string $key ): bool {
	global $wpdb;
	$table = picward_table( 'outbox' );
	// phpcs:ignore WordPress.DB -- own table, its name cannot be a placeholder before WordPress 6.2.
	return 1 === (int) $wpdb->query( $wpdb->prepare( "DELETE FROM $table WHERE event_key = %s AND attempts = 0 AND locked_until = 0", $key ) );
}

/**
 * Send what is due, oldest first, and what is about one attachment in its order. Give sent and waiting.
 *
 * @param int  $seconds Stop after about so long.
 * @param bool $all     Try rows that are resting, too: the connector is known to be there.
 */
function picward_drain( int $seconds, bool $all = false ): array {
	global $wpdb;
	$table = picward_table( 'outbox' );
	$until = time() + $seconds;
	$sent  = 0;
	$tried = 0;
	// phpcs:disable WordPress.DB -- own table, its name cannot be a placeholder before WordPress 6.2.
	while ( time() < $until && 'refused' !== ( picward_connection()['state'] ?? 'refused' ) ) {
		$now = time();
		$row = $wpdb->get_row( $wpdb->prepare( "SELECT * FROM $table AS one WHERE parked = 0 AND locked_until <= %d AND next_at <= %d AND id > %d AND NOT EXISTS (SELECT 1 FROM $table AS before_it WHERE before_it.attachment_id = one.attachment_id AND one.attachment_id > 0 AND before_it.id < one.id AND before_it.parked = 0) ORDER BY id LIMIT 1", $now, $all ? PHP_INT_MAX : $now, $tried ) );
		if ( ! $row ) {
			break;
		}
		$tried = (int) $row->id;
		// Whoever changes the lock from what both saw has the row.
		if ( 1 !== (int) $wpdb->query( $wpdb->prepare( "UPDATE $table SET locked_until = %d WHERE id = %d AND locked_until = %d", $now + PICWARD_LEASE, $row->id, $row->locked_until ) ) ) {
			continue;
		}
		$outcome = picward_deliver( $row );
		if ( 'sent' === $outcome && 0 === $sent++ && ! $all ) {
			// The connector is there: what rests because it was not need not rest any longer.
			$all   = true;
			$tried = 0;
		}
		if ( 'stop' === $outcome ) {
			break;
		}
	}
	$waiting = (int) $wpdb->get_var( "SELECT COUNT(*) FROM $table WHERE parked = 0" );
	// phpcs:enable
	return array(
		'sent'    => $sent,
		'waiting' => $waiting,
	);
}

/**
 * Send one row. Give sent, parked, or stop when there is no use in trying the next one.
 *
 * @param object $row Row of the outbox, leased.
 */
function picward_deliver( $row ): string {
	global $wpdb;
	$table   = picward_table( 'outbox' );
	$payload = (array) json_decode( $row->payload, true );
	if ( isset( $payload['media'] ) ) {
		// Featured images and galleries are linked after the upload.
		$post                       = get_post( (int) $row->attachment_id );
		$payload['media']['parent'] = $post ? picward_describe_parent( (int) $post->post_parent ) : null;
	}
	$answer = picward_send( '/webhooks/wordpress', $row->event_type, $payload + array( 'rest_url' => rest_url() ), 10, $row->event_key );
	$status = is_wp_error( $answer ) ? 0 : $answer['status'];
	if ( $status >= 200 && $status < 300 ) {
		$wpdb->delete( $table, array( 'id' => $row->id ) ); // phpcs:ignore WordPress.DB -- own table.
		if ( 'media.uploaded' === $row->event_type ) {
			picward_touch_reach( array( 'sent' => time() ) );
		}
		picward_touch_connection(
			array(
				'state' => 'connected',
				'error' => '',
			)
		);
		return 'sent';
	}
	$error   = is_wp_error( $answer ) ? $answer->get_error_message() : picward_explain_status( $status, $answer['data'] );
	$attempt = (int) $row->attempts;
	$parked  = 413 === $status || 422 === $status;
	// phpcs:ignore WordPress.DB -- own table.
	$wpdb->update(
		$table,
		array(
			'attempts'     => $attempt + 1,
			'next_at'      => time() + min( HOUR_IN_SECONDS, 30 * 2 ** min( $attempt, 10 ) ),
			'locked_until' => 0,
			'parked'       => $parked ? 1 : 0,
			'last_error'   => mb_substr( $error, 0, 1000 ),
		),
		array( 'id' => $row->id )
	);
	picward_touch_connection(
		array(
			'state' => 401 === $status || 403 === $status ? 'refused' : 'connected',
			'error' => $parked ? '' : $error,
		)
	);
	// A row that the connector dislikes says nothing about the next one.
	return $parked || in_array( $status, array( 400, 404, 409, 410, 415 ), true ) ? 'parked' : 'stop';
}

/**
 * Give what waits: waiting, oldest_seconds, parked.
 */
function picward_outbox_state(): array {
	global $wpdb;
	$table = picward_table( 'outbox' );
	// phpcs:ignore WordPress.DB -- own table, its name cannot be a placeholder before WordPress 6.2.
	$row    = $wpdb->get_row( "SELECT SUM(CASE WHEN parked = 0 THEN 1 ELSE 0 END) AS waiting, MIN(CASE WHEN parked = 0 THEN created_at END) AS oldest, SUM(parked) AS parked FROM $table" );
	$oldest = (int) ( $row->oldest ?? 0 );
	return array(
		'waiting'        => (int) ( $row->waiting ?? 0 ),
		'oldest_seconds' => $oldest ? max( 0, time() - $oldest ) : 0,
		'parked'         => (int) ( $row->parked ?? 0 ),
	);
}

/**
 * Let the refused rows be tried again: the owner may have put right what was wrong at the connector.
 */
function picward_unpark(): void {
	global $wpdb;
	$wpdb->update( picward_table( 'outbox' ), array( 'parked' => 0 ), array( 'parked' => 1 ) ); // phpcs:ignore WordPress.DB -- own table.
}

/**
 * Give the rows that the connector will never take, newest first.
 */
function picward_parked_rows(): array {
	global $wpdb;
	$table = picward_table( 'outbox' );
	// phpcs:ignore WordPress.DB -- own table, its name cannot be a placeholder before WordPress 6.2.
	return (array) $wpdb->get_results( "SELECT attachment_id, event_type, last_error FROM $table WHERE parked = 1 ORDER BY id DESC LIMIT 20" );
}
