<?php
/**
 * Notice new, changed and deleted pictures. Hooks only note the id; the work is done once, when the request ends.
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
		$as = $is_new && '' !== $verdict['sha256'] ? 'held' : $hidden;
		picward_hide( $id, $as );
		if ( 'held' === $as && 'blocked' === picward_status( $id ) ) {
			picward_set_status( $id, 'held' );
		}
	} elseif ( $is_new && 'hold' === picward_mode() && get_post_meta( $id, '_picward_status', true ) && ! picward_is_trusted( $id ) ) {
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

/**
 * Report that a picture is about to be deleted, and note what lies in the quarantine for it: its meta is gone afterwards.
 *
 * @param int $id Attachment.
 */
function picward_on_delete( $id ): void {
	global $wpdb;
	$id = (int) $id;
	if ( ! picward_is_picture( $id ) ) {
		return;
	}
	$twins = array_values( array_diff( picward_twins( $id ), array( $id ) ) );
	if ( $twins ) {
		picward_hand_over( $id, $twins );
	} elseif ( picward_journal( $id )['files'] ) {
		picward_doomed( $id, picward_journal( $id ) );
	}
	picward_release_parents( $id );
	if ( picward_is_paired() ) {
		// An upload that was never reported needs no report any more.
		$wpdb->delete( // phpcs:ignore WordPress.DB -- own table.
			picward_table( 'outbox' ),
			array(
				'attachment_id' => $id,
				'event_type'    => 'media.uploaded',
			)
		);
		picward_enqueue( picward_new_id( 'del' ), 'media.deleted', $id, array( 'media_id' => (string) $id ) );
		picward_kick();
	}
}
add_action( 'delete_attachment', 'picward_on_delete' );

/**
 * Remember the journal of an attachment that is being deleted, or give it.
 *
 * @param int        $id      Attachment.
 * @param array|null $journal Journal to remember.
 */
function picward_doomed( int $id, ?array $journal = null ): array {
	static $doomed = array();
	if ( null !== $journal ) {
		$doomed[ $id ] = $journal;
	}
	return $doomed[ $id ] ?? array();
}

/**
 * Purge the quarantine after WordPress deleted the attachment, and the placeholders of files that WordPress does not know.
 *
 * @param int $id Post.
 */
function picward_on_deleted( $id ): void {
	$journal = picward_doomed( (int) $id );
	if ( ! $journal ) {
		return;
	}
	foreach ( $journal['files'] as $relative => $entry ) {
		$path = picward_absolute( $relative );
		if ( '' !== $entry['placeholder'] && picward_hash( $path ) === $entry['placeholder'] ) {
			picward_unlink( $path );
		}
		picward_drop_blob( $entry['blob'] );
	}
	array_map( 'picward_drop_blob', $journal['superseded'] );
	delete_transient( 'picward_waiting' );
	picward_remember( (int) $id, 'Picward', __( 'Deleted, and removed from the quarantine.', 'picward' ) );
}
add_action( 'deleted_post', 'picward_on_deleted' );

/**
 * Give the journal to another attachment that shows the same file.
 *
 * @param int   $id    Attachment that goes.
 * @param int[] $twins Those that stay.
 */
function picward_hand_over( int $id, array $twins ): void {
	if ( picward_owner( $id ) !== $id || ! picward_journal( $id )['files'] ) {
		return;
	}
	update_post_meta( $twins[0], '_picward_journal', wp_slash( get_post_meta( $id, '_picward_journal', true ) ) );
	foreach ( $twins as $twin ) {
		if ( $twin === $twins[0] ) {
			delete_post_meta( $twin, '_picward_owner' );
		} else {
			update_post_meta( $twin, '_picward_owner', $twins[0] );
		}
	}
}
