<?php
/**
 * Commands for WP-CLI: wp picward status, check, approve, hide, undo, send.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Say how this site is; ends with an error when something is to be put right.
 */
function picward_command_status(): void {
	$outbox = picward_outbox_state();
	WP_CLI::log( sprintf( 'Connection: %s. Mode: %s. Waiting for a person: %d. Events waiting: %d.', picward_connection()['state'] ?? 'none', picward_mode(), picward_count( array( 'review', 'held' ) ), $outbox['waiting'] ) );
	foreach ( picward_unseen_texts() as $text ) {
		WP_CLI::log( 'Not looked at: ' . $text . '.' );
	}
	foreach ( picward_problems() as $text ) {
		WP_CLI::warning( $text );
	}
	if ( picward_problems() ) {
		WP_CLI::halt( 1 );
	}
}

/**
 * Have the connector call this site back, and say what it found.
 */
function picward_command_check(): void {
	$answer = picward_ask_back();
	if ( is_wp_error( $answer ) ) {
		WP_CLI::error( $answer->get_error_message() );
	}
	WP_CLI::success( picward_text( $answer, 'found' ) );
}

/**
 * Send what waits.
 */
function picward_command_send(): void {
	$sent = picward_drain( 60, true );
	WP_CLI::success( sprintf( 'Sent %d, %d still waiting.', $sent['sent'], $sent['waiting'] ) );
}

/**
 * Decide about pictures as the user of --user, or take that back.
 *
 * @param string   $what approve, hide or undo.
 * @param string[] $ids  Numbers of attachments.
 */
function picward_command_decide( string $what, array $ids ): void {
	$failed = 0;
	foreach ( array_map( 'absint', $ids ) as $id ) {
		$done = ! current_user_can( 'picward_review_media' ) ? new WP_Error( 'picward_forbidden', 'name a user who may review with --user.' ) : ( 'undo' === $what ? picward_undo_verdict( $id ) : picward_give_verdict( $id, 'approve' === $what ? 'allow' : 'block' ) );
		$text = is_wp_error( $done ) ? $done->get_error_message() : $done;
		if ( '' !== $text ) {
			WP_CLI::warning( sprintf( 'Picture %d: %s', $id, $text ) );
			++$failed;
		}
	}
	if ( $failed ) {
		WP_CLI::halt( 1 );
	}
	WP_CLI::success( sprintf( 'Done: %d.', count( $ids ) ) );
}

if ( defined( 'WP_CLI' ) && WP_CLI ) {
	WP_CLI::add_command( 'picward status', 'picward_command_status' );
	WP_CLI::add_command( 'picward check', 'picward_command_check' );
	WP_CLI::add_command( 'picward send', 'picward_command_send' );
	foreach ( array( 'approve', 'hide', 'undo' ) as $picward_word ) {
		WP_CLI::add_command(
			'picward ' . $picward_word,
			function ( $ids ) use ( $picward_word ) {
				picward_command_decide( $picward_word, (array) $ids );
			}
		);
	}
	unset( $picward_word );
}
