<?php
/**
 * Undo: the last verdict that a person gave here is taken back, and everything is as it was before it. It approves nothing.
 *
 * Kept in the post meta `_picward_before`: given, the verdict that may be undone; event, under which the connector is told of it; verdict,
 * status and block, what was before.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Store what is before a verdict, in a step of its own, and prove that the database has it.
 *
 * @param int    $id    Attachment.
 * @param array  $given The verdict, as picward_verdict() gives it.
 * @param string $event Under which the connector is told.
 */
function picward_keep_before( int $id, array $given, string $event ): bool {
	$before = array(
		'given'   => $given,
		'event'   => $event,
		'verdict' => picward_verdict( $id ),
		'status'  => picward_status( $id ),
		'block'   => picward_blocks( picward_twins( $id ) )[ $id ] ?? '',
	);
	update_post_meta( $id, '_picward_before', wp_slash( $before ) );
	picward_forget_cached_meta( $id );
	return get_post_meta( $id, '_picward_before', true ) == $before; // phpcs:ignore Universal.Operators.StrictComparisons -- the order of fields says nothing.
}

/**
 * Give what is put in force again by an undo. Empty when the last word about the picture is another by now.
 *
 * @param int $id Attachment.
 */
function picward_before( int $id ): array {
	$before = get_post_meta( $id, '_picward_before', true );
	$now    = picward_verdict( $id );
	if ( ! is_array( $before ) || ! isset( $before['given'], $before['event'], $before['verdict'], $before['status'], $before['block'] ) ) {
		return array();
	}
	foreach ( array( 'verdict', 'sha256', 'person', 'at', 'here' ) as $field ) {
		if ( $before['given'][ $field ] !== $now[ $field ] ) {
			return array();
		}
	}
	return $before;
}

/**
 * Take the last verdict that was given here back. Give what was not given back and why, or an empty text.
 *
 * @param int $id Attachment.
 * @return string|WP_Error
 */
function picward_undo_verdict( int $id ) {
	$before = picward_before( $id );
	if ( ! $before ) {
		return new WP_Error( 'picward_undo', __( 'it was decided again since; there is nothing to undo.', 'picward' ) );
	}
	$rights = picward_rights( $id );
	if ( '' === $before['block'] && '' !== picward_hidden( $id ) && $rights['two_people'] ) {
		return new WP_Error( 'picward_two_people', $rights['why'] );
	}
	$media   = picward_describe( $id );
	$undone  = array(
		'verdict' => $before['given']['verdict'],
		'at'      => time(),
	);
	$verdict = array_merge( $before['verdict'], array( 'undone' => $undone ) );
	// Stored first: from now on the connector's echo of the verdict does nothing any more.
	picward_set_verdict( $id, $verdict );
	delete_post_meta( $id, '_picward_before' );
	picward_remember( $id, picward_person(), __( 'Undone: it is as it was before.', 'picward' ) );
	if ( picward_is_paired() && $media && ! picward_take_out( $before['event'] ) ) {
		picward_enqueue(
			picward_new_id( 'undone' ),
			'verdict.undone',
			$id,
			array(
				'media'  => $media,
				'person' => $before['given']['person'],
			)
		);
		picward_kick();
	}
	$done = '' === $before['block'] ? picward_restore( $id ) : picward_hide( $id, $before['block'] );
	if ( is_wp_error( $done ) ) {
		return $done;
	}
	picward_set_status( $id, $before['status'] );
	if ( 'hidden' === $before['block'] ) {
		picward_unpublish_parents( $id );
	} else {
		picward_release_parents( $id );
	}
	return is_array( $done ) ? picward_restore_text( $done ) : '';
}
