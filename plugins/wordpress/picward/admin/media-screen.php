<?php
/**
 * Picward in the media library: a column, row actions, and the history of each picture.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Add our column.
 *
 * @param string[] $columns Columns.
 */
function picward_media_columns( $columns ): array {
	$columns = (array) $columns;
	if ( current_user_can( 'picward_review_media' ) ) {
		$columns['picward'] = __( 'Picward', 'picward' );
	}
	return $columns;
}
add_filter( 'manage_media_columns', 'picward_media_columns' );

/**
 * Print our column.
 *
 * @param string $column Column.
 * @param int    $id     Attachment.
 */
function picward_media_column( $column, $id ): void {
	if ( 'picward' === $column && picward_is_picture( (int) $id ) ) {
		echo wp_kses_post( picward_status_badge( (int) $id ) );
		if ( '' !== picward_hidden( (int) $id ) ) {
			echo '<br>' . esc_html__( 'hidden', 'picward' );
		}
	} elseif ( 'picward' === $column ) {
		echo esc_html__( 'Not looked at', 'picward' );
	}
}
add_action( 'manage_media_custom_column', 'picward_media_column', 10, 2 );

/**
 * Add approve and hide to the row actions of the list.
 *
 * @param string[] $actions Links.
 * @param WP_Post  $post    Attachment.
 */
function picward_media_row_actions( $actions, $post ): array {
	$actions = (array) $actions;
	if ( picward_is_picture( $post->ID ) && current_user_can( 'picward_review_media' ) ) {
		$verbs = picward_verbs_for( $post->ID );
		unset( $verbs['picward_delete'], $verbs['picward_never'] );
		if ( '' === picward_hidden( $post->ID ) && 'review' !== picward_status( $post->ID ) ) {
			unset( $verbs['picward_approve'] );
		}
		foreach ( $verbs as $verb => $name ) {
			$actions[ $verb ] = '<a href="' . esc_url( picward_verb_url( $verb, array( $post->ID ), 'media' ) ) . '">' . esc_html( $name ) . '</a>';
		}
	}
	return $actions;
}
add_filter( 'media_row_actions', 'picward_media_row_actions', 10, 2 );

/**
 * Add the history to the page of an attachment.
 *
 * @param WP_Post $post Attachment.
 */
function picward_add_history_box( $post ): void {
	if ( picward_is_picture( $post->ID ) && current_user_can( 'picward_review_media' ) ) {
		add_meta_box( 'picward-history', __( 'Picward', 'picward' ), 'picward_print_history_box', 'attachment', 'side' );
	}
}
add_action( 'add_meta_boxes_attachment', 'picward_add_history_box' );

/**
 * Print the status, what can be done, and the history.
 *
 * @param WP_Post $post Attachment.
 */
function picward_print_history_box( $post ): void {
	echo '<p>' . wp_kses_post( picward_status_badge( $post->ID ) ) . '</p>';
	if ( '' !== picward_hidden( $post->ID ) ) {
		echo wp_kses_post( picward_preview_link( $post->ID ) );
	}
	$links = array();
	$verbs = picward_verbs_for( $post->ID );
	unset( $verbs['picward_delete'] );
	foreach ( $verbs as $verb => $name ) {
		$links[] = '<a href="' . esc_url( picward_verb_url( $verb, array( $post->ID ), 'media' ) ) . '">' . esc_html( $name ) . '</a>';
	}
	echo '<p>' . wp_kses_post( implode( ' | ', $links ) ) . '</p><ul class="picward-history">';
	foreach ( picward_history( $post->ID ) as $line ) {
		picward_print_history_line( (int) $line['happened_at'], $line['who'], $line['what'] );
	}
	echo '</ul>';

	// Asked for only on demand: this page must not wait for the connector.
	if ( isset( $_GET['picward_history'] ) && picward_is_paired() ) { // phpcs:ignore WordPress.Security.NonceVerification -- only shows more.
		picward_print_connector_history( $post->ID );
	} elseif ( picward_is_paired() ) {
		echo '<p><a href="' . esc_url( add_query_arg( 'picward_history', 1, (string) get_edit_post_link( $post->ID, 'raw' ) ) . '#picward-history' ) . '">' . esc_html__( 'Show the connector’s history', 'picward' ) . '</a></p>';
	}
}

/**
 * Print one line of a history.
 *
 * @param int    $time Unix seconds.
 * @param string $who  Who.
 * @param string $what What.
 */
function picward_print_history_line( int $time, string $who, string $what ): void {
	echo '<li><time datetime="' . esc_attr( picward_iso( $time ) ) . '">' . esc_html( wp_date( get_option( 'date_format' ) . ' ' . get_option( 'time_format' ), $time ) . ' · ' . $who ) . '</time>' . esc_html( $what ) . '</li>';
}

/**
 * Print what the connector knows of a picture.
 *
 * @param int $id Attachment.
 */
function picward_print_connector_history( int $id ): void {
	echo '<h4>' . esc_html__( 'At the connector', 'picward' ) . '</h4>';
	$answer = picward_ask( '/door/wordpress/history', 'history.read', array( 'media_id' => (string) $id ), 5 );
	if ( is_wp_error( $answer ) ) {
		echo '<p>' . esc_html( $answer->get_error_message() ) . '</p>';
		return;
	}
	echo '<ul class="picward-history">';
	foreach ( is_array( $answer['entries'] ?? null ) ? $answer['entries'] : array() as $entry ) {
		if ( is_array( $entry ) ) {
			picward_print_history_line( (int) strtotime( picward_text( $entry, 'at' ) ), picward_text( $entry, 'who' ), picward_text( $entry, 'text' ) );
		}
	}
	echo '</ul>';
}

/**
 * Tell the grid and the media window that a picture is hidden, so that nobody wonders about the placeholder.
 *
 * @param array   $response   What the browser gets.
 * @param WP_Post $attachment Attachment.
 */
function picward_media_for_js( $response, $attachment ): array {
	$response = (array) $response;
	if ( '' !== picward_hidden( $attachment->ID ) ) {
		$response['picwardStatus'] = picward_status_name( picward_status( $attachment->ID ) );
		$response['can']           = array_merge( (array) ( $response['can'] ?? array() ), array( 'save' => ! empty( $response['can']['save'] ) && 'hidden' !== picward_hidden( $attachment->ID ) ) );
	}
	return $response;
}
add_filter( 'wp_prepare_attachment_for_js', 'picward_media_for_js', 10, 2 );

/**
 * Say in the details of a picture that it is hidden, and why.
 *
 * @param array   $fields Fields.
 * @param WP_Post $post   Attachment.
 */
function picward_media_fields( $fields, $post ): array {
	$fields = (array) $fields;
	if ( '' !== picward_hidden( $post->ID ) ) {
		$reasons           = current_user_can( 'picward_review_media' ) ? implode( '; ', picward_verdict( $post->ID )['reasons'] ) : '';
		$fields['picward'] = array(
			'label' => __( 'Picward', 'picward' ),
			'input' => 'html',
			'html'  => esc_html( picward_status_name( picward_status( $post->ID ) ) . ( '' === $reasons ? '' : ': ' . $reasons ) ),
		);
	}
	return $fields;
}
add_filter( 'attachment_fields_to_edit', 'picward_media_fields', 10, 2 );
