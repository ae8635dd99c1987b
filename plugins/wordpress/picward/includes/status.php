<?php
/**
 * What is known about each picture, in post meta.
 *
 * `_picward_status`  unchecked, held, allowed, review or blocked
 * `_picward_hidden`  held or hidden while a placeholder stands in the picture's place; absent while it is public
 * `_picward_verdict` the last verdict: verdict, sha256, reasons, person, at, here (a person gave it in this WordPress), rights, and undone:
 *                    the verdict and the time of an undo that it came back by
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Give a picture's status.
 *
 * @param int $id Attachment.
 */
function picward_status( int $id ): string {
	$status = (string) get_post_meta( $id, '_picward_status', true );
	return '' === $status ? 'unchecked' : $status;
}

/**
 * Set a picture's status.
 *
 * @param int    $id     Attachment.
 * @param string $status Status.
 */
function picward_set_status( int $id, string $status ): void {
	update_post_meta( $id, '_picward_status', $status );
	delete_transient( 'picward_waiting' );
}

/**
 * Say how a picture is hidden: held, hidden, or an empty text when it is public.
 *
 * @param int $id Attachment.
 */
function picward_hidden( int $id ): string {
	return (string) get_post_meta( $id, '_picward_hidden', true );
}

/**
 * Give the last verdict: verdict, sha256, reasons, person, at, here.
 *
 * @param int $id Attachment.
 */
function picward_verdict( int $id ): array {
	$stored = get_post_meta( $id, '_picward_verdict', true );
	return array_merge(
		array(
			'verdict' => '',
			'sha256'  => '',
			'reasons' => array(),
			'person'  => '',
			'at'      => 0,
			'here'    => false,
			// Null where the connector never said: what an earlier version stored, or was told.
			'rights'  => null,
			'undone'  => array(),
		),
		is_array( $stored ) ? $stored : array()
	);
}

/**
 * Store a verdict.
 *
 * @param int   $id      Attachment.
 * @param array $verdict As picward_verdict() gives it.
 */
function picward_set_verdict( int $id, array $verdict ): void {
	update_post_meta( $id, '_picward_verdict', wp_slash( $verdict ) );
}

/**
 * Name a status for people.
 *
 * @param string $status Status.
 */
function picward_status_name( string $status ): string {
	$names = array(
		'unchecked' => __( 'Not checked yet', 'picward' ),
		'held'      => __( 'Held until checked', 'picward' ),
		'allowed'   => __( 'Allowed', 'picward' ),
		'review'    => __( 'Waiting for a person', 'picward' ),
		'blocked'   => __( 'Blocked', 'picward' ),
	);
	return $names[ $status ] ?? $status;
}

/**
 * Count pictures that have one of some statuses and are in the library, not in its bin.
 *
 * @param string[] $statuses Statuses.
 */
function picward_count( array $statuses ): int {
	global $wpdb;
	$marks = implode( ', ', array_fill( 0, count( $statuses ), '%s' ) );
	// phpcs:ignore WordPress.DB -- $marks holds placeholders only.
	return (int) $wpdb->get_var( $wpdb->prepare( "SELECT COUNT(DISTINCT m.post_id) FROM {$wpdb->postmeta} m INNER JOIN {$wpdb->posts} p ON p.ID = m.post_id AND p.post_status IN ( 'inherit', 'private' ) WHERE m.meta_key = '_picward_status' AND m.meta_value IN ($marks)", $statuses ) );
}

/**
 * Count what waits for a person; remembered for a minute, for it is shown on every admin page.
 */
function picward_waiting(): int {
	$count = get_transient( 'picward_waiting' );
	if ( false === $count ) {
		$count = picward_count( array( 'review', 'held' ) );
		set_transient( 'picward_waiting', $count, MINUTE_IN_SECONDS );
	}
	return (int) $count;
}
