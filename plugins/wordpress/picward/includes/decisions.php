<?php
/**
 * Verdicts: those the connector sends, and those a person gives here.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Make a decision of the connector true, unless a later one was. Twice is once.
 *
 * @param array $order enforcement, action, id, sha256, verdict, reasons, person, decided_at, restricted, two_people.
 * @return array|WP_Error state, undo, detail, why, lost.
 */
function picward_apply( array $order ) {
	$id   = (int) picward_text( $order, 'id' );
	$lock = null;
	try {
		// Without a quarantine nothing is swapped.
		$lock = picward_prepare_quarantine() ? picward_lock( $id ) : null;
		picward_forget_cached_meta( $id );
		return picward_apply_in_turn( $id, $order );
	} catch ( RuntimeException $error ) {
		return new WP_Error( 'picward_quarantine', $error->getMessage(), array( 'status' => 500 ) );
	} finally {
		picward_unlock( $lock );
	}
}

/**
 * Say whether a later order about a picture was followed; else remember this one. Later is what is higher in number or decided later: a
 * connector whose database was put back counts from lower numbers again.
 *
 * @param int   $id    Attachment; its lock is held.
 * @param array $order enforcement and decided_at.
 */
function picward_is_overtaken( int $id, array $order ): bool {
	$now  = array(
		'site'   => (string) ( picward_connection()['site'] ?? '' ),
		'number' => (int) picward_text( $order, 'enforcement' ),
		'at'     => (int) strtotime( picward_text( $order, 'decided_at' ) ),
	);
	$last = get_post_meta( $id, '_picward_order', true );
	if ( is_array( $last ) && $last['site'] === $now['site'] && $now['number'] < $last['number'] && $now['at'] <= $last['at'] ) {
		return true;
	}
	update_post_meta( $id, '_picward_order', $now );
	return false;
}

/**
 * Make a decision of the connector true while nobody else decides about the same files.
 *
 * @param int   $id    Attachment.
 * @param array $order As picward_apply() takes it.
 * @return array|WP_Error
 */
function picward_apply_in_turn( int $id, array $order ) {
	$original = picward_is_picture( $id ) ? picward_original( $id, true ) : array();
	if ( ! $original ) {
		return new WP_Error( 'picward_gone', __( 'This picture is not on the site any more.', 'picward' ), array( 'status' => 404 ) );
	}
	$about = picward_text( $order, 'sha256' );
	// An edit that 0.1.0 hid was decided about by the picture that it was cut from; both lie in the quarantine.
	$known = 'restore' === picward_text( $order, 'action' ) && in_array( $about, array_column( picward_journal( $id )['files'], 'sha256' ), true );
	if ( ! $known && ! hash_equals( $original['sha256'], $about ) ) {
		return picward_changed( $id, __( 'The picture was replaced since this was decided.', 'picward' ) );
	}
	if ( picward_is_overtaken( $id, $order ) ) {
		return array(
			'state'  => 'drifted',
			'undo'   => (object) array(),
			'detail' => __( 'A later decision was followed already.', 'picward' ),
			'why'    => array( 'overtaken' ),
			'lost'   => array(),
		);
	}
	$verdict = array(
		'verdict' => picward_text( $order, 'verdict' ),
		'sha256'  => $original['sha256'],
		'reasons' => array_values( array_map( 'sanitize_text_field', array_filter( (array) ( $order['reasons'] ?? array() ), 'is_string' ) ) ),
		'person'  => sanitize_text_field( picward_text( $order, 'person' ) ),
		'at'      => (int) strtotime( picward_text( $order, 'decided_at' ) ),
		'here'    => false,
		'rights'  => picward_read_rights( $order ),
	);
	$action  = picward_text( $order, 'action' );
	$known   = picward_verdict( $id );
	$undo    = array(
		'hidden' => picward_hidden( $id ),
		'status' => picward_status( $id ),
	);
	if ( picward_is_outweighed( $known, $verdict, $action ) ) {
		/* translators: 1: name of a person, 2: what was decided. */
		$detail = $known['undone'] ? __( 'It was undone in WordPress.', 'picward' ) : sprintf( __( '%1$s decided otherwise in WordPress: %2$s.', 'picward' ), $known['person'], 'allow' === $known['verdict'] ? __( 'approved', 'picward' ) : __( 'rejected', 'picward' ) );
		picward_remember( $id, picward_decider( $verdict ), __( 'A later decision was not applied:', 'picward' ) . ' ' . $detail );
		return array(
			'state'  => 'drifted',
			'undo'   => (object) array(),
			'detail' => $detail,
			'why'    => array( 'outweighed' ),
			'lost'   => array(),
		);
	}
	$done = picward_act( $id, $action, $verdict );
	if ( is_wp_error( $done ) ) {
		return $done;
	}
	return array(
		'state'  => $done['whole'] ? 'done' : 'drifted',
		'undo'   => $undo,
		'detail' => $done['text'],
		'why'    => $done['why'],
		'lost'   => $done['lost'],
	);
}

/**
 * Answer that the bytes of a picture are others now, name them, and report them: what wrote them told nobody.
 *
 * @param int    $id   Attachment.
 * @param string $text For people.
 */
function picward_changed( int $id, string $text ): WP_Error {
	picward_noted( $id );
	return new WP_Error(
		'picward_changed',
		$text,
		array(
			'status' => 409,
			'now'    => picward_describe( $id ),
		)
	);
}

/**
 * Say whether a person's verdict in this WordPress stands against a decision about the same bytes.
 *
 * @param array  $known   The stored verdict.
 * @param array  $verdict The new one.
 * @param string $action  What it wants done.
 */
function picward_is_outweighed( array $known, array $verdict, string $action ): bool {
	// The echo of what was undone here, on its way while that was done.
	if ( $known['undone'] && '' !== $verdict['person'] && $verdict['verdict'] === $known['undone']['verdict'] && $verdict['at'] <= $known['undone']['at'] ) {
		return true;
	}
	if ( ! $known['here'] || $known['sha256'] !== $verdict['sha256'] ) {
		return false;
	}
	// A person at the connector who decided later outweighs; the policy never does.
	if ( '' !== $verdict['person'] && $verdict['at'] >= $known['at'] ) {
		return false;
	}
	// Nor does one person stand against a list whose pictures two people decide about.
	if ( 'allow' === $known['verdict'] && ! empty( $verdict['rights']['two_people'] ) ) {
		return false;
	}
	$wanted = array(
		'hide'    => 'block',
		'delete'  => 'block',
		'restore' => 'allow',
	);
	return ( $wanted[ $action ] ?? $verdict['verdict'] ) !== $known['verdict'];
}

/**
 * Do what a verdict asks for, and note it.
 *
 * @param int    $id      Attachment.
 * @param string $action  label, hide, restore or delete.
 * @param array  $verdict As picward_verdict() gives it.
 * @return array|WP_Error whole: false when files were not given back; text: what was not done and why, or empty; why: its codes;
 *                        lost: the names of files that were not given back, the first few.
 */
function picward_act( int $id, string $action, array $verdict ) {
	$hidden   = picward_hidden( $id );
	$statuses = array(
		'allow'  => 'allowed',
		'review' => 'review',
		'block'  => 'blocked',
	);
	$status   = $statuses[ $verdict['verdict'] ] ?? '';
	if ( '' === $status || ! in_array( $action, array( 'label', 'hide', 'restore', 'delete' ), true ) ) {
		return new WP_Error( 'picward_order', __( 'The connector asked for something that this version of the plugin does not know.', 'picward' ), array( 'status' => 422 ) );
	}
	$done = array();
	if ( 'hide' === $action ) {
		$done = picward_hide( $id );
	} elseif ( 'restore' === $action && 'review' === $verdict['verdict'] && picward_is_held_back( $id ) ) {
		// What is taken back leaves it to a person: in this mode such pictures are held.
		$done = picward_hide( $id, 'held' );
	} elseif ( 'restore' === $action || ( 'label' === $action && 'allow' === $verdict['verdict'] && 'held' === $hidden ) ) {
		$done = picward_restore( $id );
	} elseif ( 'delete' === $action ) {
		$done = wp_delete_attachment( $id, true ) ? array() : new WP_Error( 'picward_delete', __( 'WordPress did not delete the picture.', 'picward' ), array( 'status' => 500 ) );
	}
	if ( is_wp_error( $done ) ) {
		return $done;
	}
	$answer = array(
		'whole' => ! is_array( $done ) || ( empty( $done['drifted'] ) && empty( $done['lost'] ) ),
		'text'  => is_array( $done ) && $done ? picward_restore_text( $done ) : '',
		'why'   => is_array( $done ) ? picward_restore_codes( $done ) : array(),
		'lost'  => is_array( $done ) ? picward_lost_names( $done ) : array(),
	);
	if ( 'delete' === $action ) {
		picward_remember( $id, picward_decider( $verdict ), __( 'Deleted.', 'picward' ) );
		return $answer;
	}
	picward_note_verdict( $id, $verdict );
	// Only a restore shows what a block has hidden; until then it stays in the list of blocked pictures.
	if ( 'label' !== $action || 'hidden' !== $hidden || 'allow' !== $verdict['verdict'] ) {
		picward_set_status( $id, $status );
	}
	if ( 'hide' === $action ) {
		picward_unpublish_parents( $id );
	} elseif ( 'restore' === $action ) {
		picward_release_parents( $id );
	}
	return $answer;
}

/**
 * Store a verdict and tell the history, once.
 *
 * @param int   $id      Attachment.
 * @param array $verdict As picward_verdict() gives it.
 */
function picward_note_verdict( int $id, array $verdict ): void {
	$known = picward_verdict( $id );
	// The connector's echo of what a person decided here: theirs stays the one that counts.
	if ( $known['here'] && $known['sha256'] === $verdict['sha256'] && $known['verdict'] === $verdict['verdict'] && ! $verdict['here'] ) {
		return;
	}
	picward_set_verdict( $id, $verdict );
	if ( $known['verdict'] === $verdict['verdict'] && $known['sha256'] === $verdict['sha256'] && $known['person'] === $verdict['person'] && $known['reasons'] === $verdict['reasons'] ) {
		return;
	}
	$names = array(
		'allow'  => __( 'Allowed', 'picward' ),
		'review' => __( 'Left to a person', 'picward' ),
		'block'  => __( 'Blocked', 'picward' ),
	);
	$text  = $names[ $verdict['verdict'] ];
	picward_remember( $id, picward_decider( $verdict ), $verdict['reasons'] ? $text . ': ' . implode( '; ', $verdict['reasons'] ) : $text );
}

/**
 * Name who decided.
 *
 * @param array $verdict As picward_verdict() gives it.
 */
function picward_decider( array $verdict ): string {
	return '' === $verdict['person'] ? __( 'Picward (policy)', 'picward' ) : $verdict['person'];
}

/**
 * Give a person's verdict here: true at once, and on its way to the connector.
 *
 * @param int    $id          Attachment.
 * @param string $verdict     allow or block.
 * @param bool   $never_again Put the picture on the site's block list.
 * @return string|WP_Error What was not given back and why, or empty.
 */
function picward_give_verdict( int $id, string $verdict, bool $never_again = false ) {
	$media = picward_is_picture( $id ) ? picward_describe( $id ) : array();
	if ( ! $media ) {
		return new WP_Error( 'picward_gone', __( 'This picture is not on the site any more.', 'picward' ) );
	}
	$rights = picward_rights( $id );
	if ( 'allow' === $verdict && $rights['two_people'] ) {
		return new WP_Error( 'picward_two_people', $rights['why'] );
	}
	$given = array(
		'verdict' => $verdict,
		'sha256'  => $media['sha256'],
		'reasons' => $never_again ? array( __( 'never again', 'picward' ) ) : array(),
		'person'  => picward_person(),
		'at'      => time(),
		'here'    => true,
		'rights'  => picward_verdict( $id )['rights'],
	);
	$event = picward_new_id( 'verdict' );
	if ( ! picward_keep_before( $id, $given, $event ) ) {
		return new WP_Error( 'picward_before', __( 'The database did not keep how it was before, so that nothing was done. Try again.', 'picward' ) );
	}
	// Stored first: from now on no policy outweighs it, even if the swap has to be completed later.
	picward_note_verdict( $id, $given );
	if ( picward_is_paired() ) {
		picward_enqueue(
			$event,
			'verdict.given',
			$id,
			array(
				'media'       => $media,
				'sha256'      => $media['sha256'],
				'verdict'     => $verdict,
				'person'      => $given['person'],
				'never_again' => $never_again,
			)
		);
		picward_kick();
	}
	$done = picward_act( $id, 'allow' === $verdict ? 'restore' : 'hide', $given );
	return is_wp_error( $done ) ? $done : $done['text'];
}

/**
 * Read who may see and decide, as the connector says it. Null where it does not.
 *
 * @param array $said Foreign JSON.
 */
function picward_read_rights( array $said ): ?array {
	if ( ! isset( $said['restricted'], $said['two_people'] ) ) {
		return null;
	}
	return array(
		'restricted' => (bool) $said['restricted'],
		'two_people' => (bool) $said['two_people'],
	);
}

/**
 * Say who may see and decide: restricted is shown to nobody here, two_people is brought back by nobody here; why is for people.
 *
 * @param int $id Attachment.
 */
function picward_rights( int $id ): array {
	$verdict = picward_verdict( $id );
	$rights  = $verdict['rights'];
	if ( null === $rights && '' !== picward_hidden( $id ) && '' !== $verdict['verdict'] && picward_is_paired() ) {
		// Hidden by a version that was not told. A connector that does not say it either knows of nothing.
		$answer = picward_ask( '/door/wordpress/history', 'history.read', array( 'media_id' => (string) $id ), 5 );
		if ( is_wp_error( $answer ) ) {
			return array(
				'restricted' => true,
				'two_people' => true,
				'why'        => __( 'Only Picward knows whether one person may decide about it, and it does not answer. Try again.', 'picward' ),
			);
		}
		$rights = picward_read_rights( $answer );
		if ( $rights ) {
			picward_set_verdict( $id, array_merge( $verdict, array( 'rights' => $rights ) ) );
		}
	}
	return array(
		'restricted' => (bool) ( $rights['restricted'] ?? false ),
		'two_people' => (bool) ( $rights['two_people'] ?? false ),
		'why'        => __( 'It is on a list of the severest pictures: two people decide about it, in Picward.', 'picward' ),
	);
}
