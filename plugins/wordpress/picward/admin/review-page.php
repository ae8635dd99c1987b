<?php
/**
 * The review list under Media.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Register the page, with a bubble that counts what waits.
 */
function picward_review_menu(): void {
	global $menu;
	$waiting = current_user_can( 'picward_review_media' ) ? picward_waiting() : 0;
	/* translators: %s: number of pictures. */
	$bubble = $waiting ? sprintf( ' <span class="awaiting-mod count-%1$d"><span class="pending-count" aria-hidden="true">%2$s</span><span class="screen-reader-text">%3$s</span></span>', $waiting, esc_html( number_format_i18n( $waiting ) ), esc_html( sprintf( _n( '%s picture waits', '%s pictures wait', $waiting, 'picward' ), number_format_i18n( $waiting ) ) ) ) : '';
	$hook   = add_media_page( __( 'Pictures to review', 'picward' ), esc_html__( 'Review', 'picward' ) . $bubble, 'picward_review_media', 'picward-review', 'picward_review_page' );
	add_action( 'load-' . $hook, 'picward_handle_bulk' );
	foreach ( $bubble ? (array) $menu : array() as $place => $entry ) {
		if ( 'upload.php' === $entry[2] ) {
			$menu[ $place ][0] .= $bubble; // phpcs:ignore WordPress.WP.GlobalVariablesOverride -- the only way to a bubble.
		}
	}
}
add_action( 'admin_menu', 'picward_review_menu' );

/**
 * Give the address of the list.
 *
 * @param string $view waiting, blocked or all.
 */
function picward_review_url( string $view = 'waiting' ): string {
	return add_query_arg(
		array(
			'page' => 'picward-review',
			'view' => $view,
		),
		admin_url( 'upload.php' )
	);
}

/**
 * Print the page.
 */
function picward_review_page(): void {
	require_once PICWARD_DIR . 'admin/class-picward-review-table.php';
	$table = new Picward_Review_Table();
	$table->prepare_items();
	echo '<div class="wrap"><h1 class="wp-heading-inline">' . esc_html__( 'Pictures to review', 'picward' ) . '</h1><hr class="wp-header-end">';
	echo '<p>' . esc_html__( 'Previews are blurred; a click shows the picture clearly. What you decide here takes effect at once, and Picward remembers it for these bytes.', 'picward' ) . '</p>';
	picward_print_open_button();
	$table->views();
	printf( '<form method="get" action="%s">', esc_url( admin_url( 'upload.php' ) ) );
	wp_nonce_field( 'picward_review', 'picward_nonce', false );
	printf( '<input type="hidden" name="page" value="picward-review"><input type="hidden" name="view" value="%s">', esc_attr( Picward_Review_Table::view() ) );
	$table->display();
	echo '</form></div>';
}

/**
 * Print a picture's status as a badge.
 *
 * @param int $id Attachment.
 */
function picward_status_badge( int $id ): string {
	$status = picward_status( $id );
	return '<span class="picward-status picward-status-' . esc_attr( $status ) . '">' . esc_html( picward_status_name( $status ) ) . '</span>';
}
