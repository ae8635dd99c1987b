<?php
/**
 * A filter by status in the list of the media library, and a line on the dashboard.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Give the statuses that can be chosen.
 */
function picward_filters(): array {
	$filters = array();
	foreach ( array( 'review', 'held', 'blocked', 'allowed', 'unchecked' ) as $status ) {
		$filters[ $status ] = picward_status_name( $status );
	}
	return $filters;
}

/**
 * Give the status that was asked for, or an empty text.
 */
function picward_asked_filter(): string {
	$asked = isset( $_GET['picward_status'] ) ? sanitize_key( $_GET['picward_status'] ) : ''; // phpcs:ignore WordPress.Security.NonceVerification -- only chooses what is shown.
	return isset( picward_filters()[ $asked ] ) && current_user_can( 'picward_review_media' ) ? $asked : '';
}

/**
 * Print the drop-down.
 *
 * @param string $type Type of posts.
 */
function picward_print_filter( $type ): void {
	if ( 'attachment' !== $type || ! current_user_can( 'picward_review_media' ) ) {
		return;
	}
	echo '<label for="picward-status" class="screen-reader-text">' . esc_html__( 'Filter by Picward’s verdict', 'picward' ) . '</label><select name="picward_status" id="picward-status"><option value="">' . esc_html__( 'Picward: all', 'picward' ) . '</option>';
	foreach ( picward_filters() as $status => $name ) {
		printf( '<option value="%s"%s>%s</option>', esc_attr( $status ), selected( picward_asked_filter(), $status, false ), esc_html( $name ) );
	}
	echo '</select>';
}
add_action( 'restrict_manage_posts', 'picward_print_filter' );

/**
 * Show only what was asked for.
 *
 * @param WP_Query $query Query.
 */
function picward_filter_library( $query ): void {
	$status = $query->is_main_query() && 'attachment' === $query->get( 'post_type' ) ? picward_asked_filter() : '';
	if ( '' !== $status ) {
		$query->set( 'meta_key', '_picward_status' );
		$query->set( 'meta_value', $status );
	}
}
add_action( 'pre_get_posts', 'picward_filter_library' );

/**
 * Offer our verbs for several pictures of the list.
 *
 * @param string[] $actions Actions.
 */
function picward_bulk_actions( $actions ): array {
	$verbs = picward_review_verbs();
	unset( $verbs['picward_delete'] );
	$verbs['picward_reject'] = __( 'Hide', 'picward' );
	return current_user_can( 'picward_review_media' ) ? array_merge( (array) $actions, array( __( 'Picward', 'picward' ) => $verbs ) ) : (array) $actions;
}
add_filter( 'bulk_actions-upload', 'picward_bulk_actions' );

/**
 * Do what was chosen for several pictures; WordPress has checked that the person comes from the list.
 *
 * @param string $where  Where to return to.
 * @param string $verb   Action.
 * @param int[]  $ids    Attachments.
 */
function picward_handle_bulk_actions( $where, $verb, $ids ): string {
	if ( isset( picward_review_verbs()[ $verb ] ) && 'picward_delete' !== $verb && current_user_can( 'picward_review_media' ) ) {
		picward_do_all( (string) $verb, array_filter( array_map( 'absint', (array) $ids ), 'picward_is_picture' ), 'media' );
	}
	return (string) $where;
}
add_filter( 'handle_bulk_actions-upload', 'picward_handle_bulk_actions', 10, 3 );

/**
 * Offer the widget of the dashboard.
 */
function picward_add_dashboard_widget(): void {
	if ( current_user_can( 'picward_review_media' ) ) {
		wp_add_dashboard_widget( 'picward', __( 'Picward', 'picward' ), 'picward_print_dashboard_widget' );
	}
}
add_action( 'wp_dashboard_setup', 'picward_add_dashboard_widget' );

/**
 * Print what waits, what is hidden, and whether anything is wrong. It asks nobody outside.
 */
function picward_print_dashboard_widget(): void {
	$waiting = picward_waiting();
	/* translators: %s: number of pictures. */
	echo '<p><a href="' . esc_url( picward_review_url() ) . '">' . esc_html( sprintf( _n( '%s picture waits for a person', '%s pictures wait for a person', $waiting, 'picward' ), number_format_i18n( $waiting ) ) ) . '</a></p>';
	/* translators: 1: number of pictures, 2: number of events. */
	echo '<p>' . esc_html( sprintf( __( 'Hidden pictures: %1$s. Events waiting for the connector: %2$s.', 'picward' ), number_format_i18n( picward_hidden_total() ), number_format_i18n( picward_outbox_state()['waiting'] ) ) ) . '</p>';
	if ( picward_only_watches() ) {
		echo '<p><strong>' . esc_html__( 'Picward only watches.', 'picward' ) . '</strong></p>';
	}
}
