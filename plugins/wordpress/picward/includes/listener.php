<?php
/**
 * Notice new and changed pictures. Hooks only note the id; the work is done once, when the request ends.
 *
 * No single hook fires on all ways into the media library, and most fire many times for one upload.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** A request that takes longer than so many seconds to upload a picture was killed. */
const PICWARD_LEFT_AFTER = 120;

/** So many pictures that killed processes left are reported at once. */
const PICWARD_NOTICED_AT_ONCE = 20;

/**
 * Note an attachment of the site that is at work, or give all noted ones and forget them: site of the network → attachments.
 *
 * @param int $id Attachment, or 0 to collect.
 * @return array[]
 */
function picward_noted( int $id = 0 ): array {
	static $noted = array();
	if ( $id > 0 ) {
		$noted[ get_current_blog_id() ][ $id ] = $id;
		return array();
	}
	$all   = $noted;
	$noted = array();
	return $all;
}

/**
 * Note a new attachment.
 *
 * @param int $id Attachment.
 */
function picward_on_added( $id ): void {
	picward_noted( (int) $id );
	// A process that is killed reports nothing: the minute's work does.
	add_post_meta( (int) $id, '_picward_noted', time(), true );
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
	foreach ( picward_noted() as $site => $ids ) {
		picward_on_site( (int) $site, 'picward_notice_all', $ids );
	}
	// Restoring or re-making sizes notes attachments again; those are ours.
	picward_noted();
}
add_action( 'shutdown', 'picward_on_shutdown', 1 );

/**
 * Report what was noted on this site.
 *
 * @param int[] $ids Attachments.
 */
function picward_notice_all( array $ids ): void {
	foreach ( $ids as $id ) {
		if ( ! picward_is_picture( $id ) || picward_notice( $id ) ) {
			delete_post_meta( $id, '_picward_noted' );
		}
	}
}

/**
 * Report what processes added that were killed before they could.
 */
function picward_notice_left(): void {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- no function looks a meta key up without its post.
	picward_notice_all( array_map( 'intval', $wpdb->get_col( $wpdb->prepare( "SELECT post_id FROM {$wpdb->postmeta} WHERE meta_key = '_picward_noted' AND meta_value < %d LIMIT %d", time() - PICWARD_LEFT_AFTER, PICWARD_NOTICED_AT_ONCE ) ) ) );
}

/**
 * Bring new files of a hidden picture under placeholders, hold a new picture where the mode says so, and report it. Say whether it was
 * done: not while its upload waits, which has to be settled first.
 *
 * @param int $id Attachment.
 */
function picward_notice( int $id ): bool {
	if ( picward_is_waiting( $id ) ) {
		return false;
	}
	picward_join_hidden_twin( $id );
	$hidden = picward_hidden( $id );
	$media  = picward_describe( $id );
	if ( ! $media ) {
		return true;
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
	return true;
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
	$post = get_post( $id );
	return picward_is_trusted_person( $post ? get_userdata( (int) $post->post_author ) : false );
}

/**
 * Say whether a person's pictures are never held.
 *
 * @param WP_User|false $user User.
 */
function picward_is_trusted_person( $user ): bool {
	$roles = picward_setting( 'trusted_roles', array() );
	return $user && is_array( $roles ) && array_intersect( $user->roles, $roles );
}
