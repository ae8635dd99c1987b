<?php
/**
 * What a person can do with pictures: approve, keep hidden, never again, delete.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** A link holds the numbers of so many pictures at most: addresses have a limit. */
const PICWARD_UNDO_AT_ONCE = 20;

/**
 * Name the verbs.
 */
function picward_review_verbs(): array {
	return array(
		'picward_approve' => __( 'Approve', 'picward' ),
		'picward_reject'  => __( 'Keep hidden', 'picward' ),
		'picward_never'   => __( 'Never again', 'picward' ),
		'picward_delete'  => __( 'Delete permanently', 'picward' ),
	);
}

/**
 * Name the verbs that make sense for a picture.
 *
 * @param int $id Attachment.
 */
function picward_verbs_for( int $id ): array {
	$verbs   = picward_review_verbs();
	$status  = picward_status( $id );
	$verdict = picward_verdict( $id );
	if ( 'allowed' === $status && '' === picward_hidden( $id ) && ! picward_journal( $id )['files'] ) {
		unset( $verbs['picward_approve'] );
	}
	if ( $verdict['rights']['two_people'] ?? false ) {
		unset( $verbs['picward_approve'] );
	}
	if ( '' === picward_hidden( $id ) ) {
		$verbs['picward_reject'] = __( 'Hide', 'picward' );
	} elseif ( 'blocked' === $status && $verdict['here'] ) {
		unset( $verbs['picward_reject'] );
	}
	if ( ! current_user_can( 'delete_post', $id ) ) {
		unset( $verbs['picward_delete'] );
	}
	if ( picward_before( $id ) ) {
		$verbs['picward_undo'] = __( 'Undo', 'picward' );
	}
	return $verbs;
}

/**
 * Give the address that does something to pictures.
 *
 * @param string $verb One of picward_review_verbs().
 * @param int[]  $ids  Attachments.
 * @param string $view Where to return to.
 */
function picward_verb_url( string $verb, array $ids, string $view ): string {
	$url = add_query_arg(
		array(
			'action' => $verb,
			'ids'    => array_map( 'intval', $ids ),
			'view'   => $view,
		),
		admin_url( 'admin-post.php' )
	);
	return wp_nonce_url( $url, 'picward_review', 'picward_nonce' );
}

/**
 * Do what a link of one picture asks for.
 */
function picward_handle_review(): void {
	picward_run_verb( substr( current_action(), strlen( 'admin_post_' ) ) );
}
foreach ( array( 'approve', 'reject', 'never', 'delete', 'undo' ) as $picward_verb ) {
	add_action( 'admin_post_picward_' . $picward_verb, 'picward_handle_review' );
}
unset( $picward_verb );

/**
 * Do what the list's form asks for, before the list is shown.
 */
function picward_handle_bulk(): void {
	foreach ( array( 'action', 'action2' ) as $name ) {
		$verb = isset( $_GET[ $name ] ) ? sanitize_key( $_GET[ $name ] ) : ''; // phpcs:ignore WordPress.Security.NonceVerification -- picward_run_verb() checks it.
		if ( isset( picward_review_verbs()[ $verb ] ) ) {
			picward_run_verb( $verb );
		}
	}
}

/**
 * Do something to the chosen pictures, say so, and go back to the list.
 *
 * @param string $verb One of picward_review_verbs().
 */
function picward_run_verb( string $verb ): void {
	if ( ! current_user_can( 'picward_review_media' ) ) {
		wp_die( esc_html__( 'You are not allowed to do this.', 'picward' ), '', array( 'response' => 403 ) );
	}
	check_admin_referer( 'picward_review', 'picward_nonce' );
	$ids  = isset( $_GET['ids'] ) ? array_filter( array_map( 'absint', (array) $_GET['ids'] ) ) : array();
	$view = isset( $_GET['view'] ) ? sanitize_key( $_GET['view'] ) : 'waiting';
	picward_do_all( $verb, $ids, $view );
	wp_safe_redirect( 'media' === $view ? admin_url( 'upload.php' ) : picward_review_url( $view ) );
	exit;
}

/**
 * Do something to pictures, and leave messages about it.
 *
 * @param string $verb One of picward_review_verbs(), or picward_undo.
 * @param int[]  $ids  Attachments.
 * @param string $view Where the person is.
 */
function picward_do_all( string $verb, array $ids, string $view ): void {
	$done   = array();
	$errors = array();
	foreach ( $ids as $id ) {
		$outcome = picward_do_verb( $verb, $id );
		if ( is_wp_error( $outcome ) ) {
			/* translators: 1: number of a picture, 2: reason. */
			$errors[] = sprintf( __( 'Picture %1$d: %2$s', 'picward' ), $id, $outcome->get_error_message() );
		} elseif ( '' !== $outcome ) {
			/* translators: 1: number of a picture, 2: what was not given back, and why. */
			picward_flash( 'warning', esc_html( sprintf( __( 'Picture %1$d: %2$s', 'picward' ), $id, $outcome ) ) );
		} else {
			$done[] = $id;
		}
	}
	foreach ( $errors as $text ) {
		picward_flash( 'error', esc_html( $text ) );
	}
	if ( $done ) {
		picward_flash( 'success', picward_done_text( $verb, $done, $view ) );
	}
}

/**
 * Do one thing to one picture. Give a sentence when not all could be given back.
 *
 * @param string $verb One of picward_review_verbs(), or picward_undo.
 * @param int    $id   Attachment.
 * @return string|WP_Error
 */
function picward_do_verb( string $verb, int $id ) {
	if ( ! picward_is_picture( $id ) ) {
		return new WP_Error( 'picward_gone', __( 'it is not on the site any more.', 'picward' ) );
	}
	if ( 'picward_delete' === $verb ) {
		if ( ! current_user_can( 'delete_post', $id ) ) {
			return new WP_Error( 'picward_forbidden', __( 'you are not allowed to delete it.', 'picward' ) );
		}
		picward_remember( $id, picward_person(), __( 'Deleted.', 'picward' ) );
		return wp_delete_attachment( $id, true ) ? '' : new WP_Error( 'picward_delete', __( 'WordPress did not delete it.', 'picward' ) );
	}
	if ( 'picward_undo' === $verb ) {
		return picward_undo_verdict( $id );
	}
	return picward_give_verdict( $id, 'picward_approve' === $verb ? 'allow' : 'block', 'picward_never' === $verb );
}

/**
 * Say what was done, with a way back where there is one.
 *
 * @param string $verb One of picward_review_verbs().
 * @param int[]  $ids  Attachments.
 * @param string $view Where the person is.
 */
function picward_done_text( string $verb, array $ids, string $view ): string {
	$count = count( $ids );
	$texts = array(
		/* translators: %d: number of pictures. */
		'picward_approve' => _n( '%d picture approved; it is public as it was.', '%d pictures approved; they are public as they were.', $count, 'picward' ),
		/* translators: %d: number of pictures. */
		'picward_reject'  => _n( '%d picture rejected; a placeholder stands in its place.', '%d pictures rejected; placeholders stand in their place.', $count, 'picward' ),
		/* translators: %d: number of pictures. */
		'picward_never'   => _n( '%d picture rejected and put on the block list.', '%d pictures rejected and put on the block list.', $count, 'picward' ),
		/* translators: %d: number of pictures. */
		'picward_delete'  => _n( '%d picture deleted.', '%d pictures deleted.', $count, 'picward' ),
		/* translators: %d: number of pictures. */
		'picward_undo'    => _n( 'Undone: %d picture is as it was before.', 'Undone: %d pictures are as they were before.', $count, 'picward' ),
	);
	$html  = esc_html( sprintf( $texts[ $verb ], $count ) );
	if ( ! in_array( $verb, array( 'picward_delete', 'picward_undo' ), true ) && $count <= PICWARD_UNDO_AT_ONCE ) {
		$html .= ' <a href="' . esc_url( picward_verb_url( 'picward_undo', $ids, $view ) ) . '">' . esc_html__( 'Undo', 'picward' ) . '</a>';
	}
	return $html;
}
