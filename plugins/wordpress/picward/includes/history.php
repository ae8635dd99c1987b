<?php
/**
 * What happened to each picture here, in order; only ever added to.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Add a line to a picture's history.
 *
 * @param int    $id   Attachment.
 * @param string $who  A person, or what acted.
 * @param string $what One sentence.
 */
function picward_remember( int $id, string $who, string $what ): void {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- own table.
	$wpdb->insert(
		picward_table( 'history' ),
		array(
			'attachment_id' => $id,
			'happened_at'   => time(),
			'who'           => mb_substr( $who, 0, 190 ),
			'what'          => $what,
		),
		array( '%d', '%d', '%s', '%s' )
	);
}

/**
 * Give a picture's history, newest first: each line has happened_at, who and what.
 *
 * @param int $id    Attachment.
 * @param int $limit At most so many lines.
 */
function picward_history( int $id, int $limit = 50 ): array {
	global $wpdb;
	$table = picward_table( 'history' );
	// phpcs:ignore WordPress.DB -- own table, its name cannot be a placeholder before WordPress 6.2.
	return (array) $wpdb->get_results( $wpdb->prepare( "SELECT happened_at, who, what FROM $table WHERE attachment_id = %d ORDER BY id DESC LIMIT %d", $id, $limit ), ARRAY_A );
}

/**
 * Name the person who acts, or give an empty text when none does.
 */
function picward_person(): string {
	$user = wp_get_current_user();
	return $user->exists() ? ( '' !== $user->display_name ? $user->display_name : $user->user_login ) : '';
}
