<?php
/**
 * Notice new and changed pictures. Hooks only note the id; the work is done once, when the request ends.
 *
 * No single hook fires on all ways into the media library, and most fire many times for one upload.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Note an attachment, or give all noted ones and forget them.
 *
 * @param int $id Attachment, or 0 to collect.
 * @return int[]
 */
function picward_noted( int $id = 0 ): array {
	static $noted = array();
	if ( $id > 0 ) {
		$noted[ $id ] = $id;
		return array();
	}
	$all   = $noted;
	$noted = array();
	return array_values( $all );
}

/**
 * Note a new attachment.
 *
 * @param int $id Attachment.
 */
function picward_on_added( $id ): void {
	picward_noted( (int) $id );
	// Pictures without a status were there before this plugin; new thumbnails of those are no reason to hold them.
	if ( picward_is_picture( (int) $id ) ) {
		picward_set_status( (int) $id, 'unchecked' );
	}
}
add_action( 'add_attachment', 'picward_on_added' );

/**
 * Note an attachment whose file or metadata is being set, and hand the value on.
 *
 * @param mixed $value File, or metadata.
 * @param int   $id    Attachment.
 * @return mixed
 */
function picward_on_changed( $value, $id ) {
	picward_noted( (int) $id );
	return $value;
}
add_filter( 'update_attached_file', 'picward_on_changed', 1000, 2 );
add_filter( 'wp_update_attachment_metadata', 'picward_on_changed', 1000, 2 );

/**
 * Report what this request uploaded or changed, and hold or hide it before the answer leaves.
 */
function picward_on_shutdown(): void {
	foreach ( picward_noted() as $id ) {
		if ( picward_is_picture( $id ) ) {
			picward_notice( $id );
		}
	}
	// Restoring or re-making sizes notes attachments again; those are ours.
	picward_noted();
}
add_action( 'shutdown', 'picward_on_shutdown', 1 );

/**
 * Bring new files of a hidden picture under placeholders, hold a new picture where the mode says so, and report it.
 *
 * @param int $id Attachment.
 */
function picward_notice( int $id ): void {
	picward_join_hidden_twin( $id );
	$hidden = picward_hidden( $id );
	$media  = picward_describe( $id );
	if ( ! $media ) {
		return;
	}
	$verdict = picward_verdict( $id );
	$is_new  = $verdict['sha256'] !== $media['sha256'];
	if ( picward_is_paired() ) {
		picward_report( $id, $media );
	}
	if ( '' !== $hidden ) {
		// New bytes under a hidden picture are not shown before they were judged, whatever the mode is.
		$as = $is_new && '' !== $verdict['sha256'] ? 'held' : '';
		picward_hide( $id, $as );
		if ( 'held' === $as && 'blocked' === picward_status( $id ) ) {
			picward_set_status( $id, 'held' );
		}
	} elseif ( $is_new && get_post_meta( $id, '_picward_status', true ) && picward_is_held_back( $id ) ) {
		if ( ! is_wp_error( picward_hide( $id, 'held' ) ) ) {
			picward_set_status( $id, 'held' );
		}
	} elseif ( $is_new && 'unchecked' !== picward_status( $id ) ) {
		picward_set_status( $id, 'unchecked' );
	}
}

/**
 * Put one event for this version of a picture into the outbox.
 *
 * @param int   $id    Attachment.
 * @param array $media Its description.
 */
function picward_report( int $id, array $media ): void {
	$key = 'up_' . substr( hash( 'sha256', implode( "\n", array( picward_connection()['site'], $id, get_post_meta( $id, '_wp_attached_file', true ), $media['sha256'] ) ) ), 0, 48 );
	// The row is gone once it was sent; new thumbnails of the same picture are no news.
	if ( get_post_meta( $id, '_picward_reported', true ) === $key ) {
		return;
	}
	picward_enqueue( $key, 'media.uploaded', $id, array( 'media' => $media ) );
	update_post_meta( $id, '_picward_reported', $key );
	picward_kick();
}

/**
 * Say whether an attachment stays behind a placeholder until it was checked.
 *
 * @param int $id Attachment.
 */
function picward_is_held_back( int $id ): bool {
	return 'hold' === picward_mode() && ! picward_is_trusted( $id );
}

/**
 * Say whether the uploader's pictures are never held.
 *
 * @param int $id Attachment.
 */
function picward_is_trusted( int $id ): bool {
	$post  = get_post( $id );
	$user  = $post ? get_userdata( (int) $post->post_author ) : false;
	$roles = picward_setting( 'trusted_roles', array() );
	return $user && is_array( $roles ) && array_intersect( $user->roles, $roles );
}
