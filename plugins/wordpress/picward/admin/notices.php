<?php
/**
 * Messages: what the last action did, and what keeps the plugin from working. Only where they matter.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Leave a message for the next page of this user.
 *
 * @param string $kind success, error, warning or info.
 * @param string $html Message; may hold links.
 */
function picward_flash( string $kind, string $html ): void {
	$name     = 'picward_flash_' . get_current_user_id();
	$messages = get_transient( $name );
	$messages = is_array( $messages ) ? $messages : array();
	set_transient( $name, array_merge( $messages, array( array( $kind, $html ) ) ), 10 * MINUTE_IN_SECONDS );
}

/**
 * Print one notice.
 *
 * @param string $kind success, error, warning or info.
 * @param string $html Message; may hold links.
 */
function picward_print_notice( string $kind, string $html ): void {
	printf(
		'<div class="notice notice-%1$s is-dismissible"><p>%2$s</p></div>',
		esc_attr( $kind ),
		wp_kses(
			$html,
			array(
				'a'      => array( 'href' => true ),
				'strong' => array(),
			)
		)
	);
}

/**
 * Print what there is to say on this screen.
 */
function picward_notices(): void {
	$screen = get_current_screen();
	$here   = $screen ? $screen->id : '';
	if ( ! in_array( $here, array( 'dashboard', 'upload', 'plugins', 'settings_page_picward', 'media_page_picward-review' ), true ) || ! current_user_can( 'picward_review_media' ) ) {
		return;
	}
	$name     = 'picward_flash_' . get_current_user_id();
	$messages = get_transient( $name );
	if ( is_array( $messages ) ) {
		delete_transient( $name );
		foreach ( $messages as list( $kind, $html ) ) {
			picward_print_notice( $kind, $html );
		}
	}
	if ( ! current_user_can( 'manage_options' ) ) {
		return;
	}
	picward_print_given_back();
	$page = '<a href="' . esc_url( picward_settings_url() ) . '">' . esc_html__( 'Picward settings', 'picward' ) . '</a>';
	if ( ! picward_is_paired() ) {
		if ( 'plugins' === $here ) {
			/* translators: %s: link to the settings. */
			picward_print_notice( 'info', sprintf( esc_html__( 'Picward is not connected yet, so no picture is checked. Paste its pairing code in the %s.', 'picward' ), $page ) );
		}
		return;
	}
	$problems = picward_problems();
	foreach ( array_intersect_key( $problems, array_flip( array( 'reach', 'refused', 'quarantine', 'lost', 'still_public' ) ) ) as $text ) {
		picward_print_notice( 'error', '<strong>Picward:</strong> ' . esc_html( $text ) . ' ' . ( 'settings_page_picward' === $here ? '' : $page ) );
	}
	if ( isset( $problems['outbox'] ) && 'settings_page_picward' === $here ) {
		picward_print_notice( 'warning', esc_html( $problems['outbox'] . ' ' . ( picward_connection()['error'] ?? '' ) ) );
	}
}
add_action( 'admin_notices', 'picward_notices' );

/**
 * List the files that were hidden with another picture by mistake, until the owner has read it.
 */
function picward_print_given_back(): void {
	$list = picward_given_back();
	if ( ! $list ) {
		return;
	}
	$lines = array();
	foreach ( $list as $relative => list( $id, $text ) ) {
		$link    = get_edit_post_link( $id, 'raw' );
		$lines[] = esc_html( $text ) . ( $link ? ' <a href="' . esc_url( $link ) . '">' . esc_html( (string) $relative ) . '</a>' : '' );
	}
	$url = wp_nonce_url( admin_url( 'admin-post.php?action=picward_given_back_read' ), 'picward_given_back_read' );
	/* translators: %d: number of files. */
	$head = sprintf( _n( 'Picward: an earlier version hid %d file with a picture that it does not belong to. This was put right:', 'Picward: an earlier version hid %d files with pictures that they do not belong to. This was put right:', count( $list ), 'picward' ), count( $list ) );
	printf(
		'<div class="notice notice-warning"><p><strong>%1$s</strong></p><ul class="picward-given-back"><li>%2$s</li></ul><p><a class="button" href="%3$s">%4$s</a></p></div>',
		esc_html( $head ),
		wp_kses( implode( '</li><li>', $lines ), array( 'a' => array( 'href' => true ), 'li' => array() ) ),
		esc_url( $url ),
		esc_html__( 'I have read this', 'picward' )
	);
}

/**
 * Forget the list when the owner has read it.
 */
function picward_handle_given_back_read(): void {
	if ( ! current_user_can( 'manage_options' ) ) {
		wp_die( esc_html__( 'You are not allowed to do this.', 'picward' ), '', array( 'response' => 403 ) );
	}
	check_admin_referer( 'picward_given_back_read' );
	delete_option( 'picward_given_back' );
	wp_safe_redirect( wp_get_referer() ? wp_get_referer() : admin_url( 'upload.php' ) );
	exit;
}
add_action( 'admin_post_picward_given_back_read', 'picward_handle_given_back_read' );
