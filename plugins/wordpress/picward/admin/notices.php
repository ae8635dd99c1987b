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
	$page = '<a href="' . esc_url( picward_settings_url() ) . '">' . esc_html__( 'Picward settings', 'picward' ) . '</a>';
	if ( ! picward_is_paired() ) {
		if ( 'plugins' === $here ) {
			/* translators: %s: link to the settings. */
			picward_print_notice( 'info', sprintf( esc_html__( 'Picward is not connected yet, so no picture is checked. Paste its pairing code in the %s.', 'picward' ), $page ) );
		}
		return;
	}
	$problems = picward_problems();
	foreach ( array_intersect_key( $problems, array_flip( array( 'refused', 'quarantine' ) ) ) as $text ) {
		picward_print_notice( 'error', '<strong>Picward:</strong> ' . esc_html( $text ) . ' ' . ( 'settings_page_picward' === $here ? '' : $page ) );
	}
	if ( isset( $problems['outbox'] ) && 'settings_page_picward' === $here ) {
		picward_print_notice( 'warning', esc_html( $problems['outbox'] . ' ' . ( picward_connection()['error'] ?? '' ) ) );
	}
}
add_action( 'admin_notices', 'picward_notices' );
