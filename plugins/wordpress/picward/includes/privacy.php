<?php
/**
 * Privacy: text for the policy, export and erasure of personal data.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Offer a text for the site's privacy policy.
 */
function picward_privacy_text(): void {
	$text  = '<p>' . esc_html__( 'Pictures that are uploaded to this site are checked by an image moderation service (Picward) that the operator of this site runs.', 'picward' ) . '</p>';
	$text .= '<p>' . esc_html__( 'For each picture the service gets: the picture, its address, type, size, title, time of upload, the post it belongs to, and the account number and roles of the uploader. It keeps the verdict with its reasons, and for pictures that wait for a person or were blocked a small encrypted preview for a limited time. The originals of hidden pictures are kept on this site, encrypted, until they are restored or deleted.', 'picward' ) . '</p>';
	wp_add_privacy_policy_content( __( 'Picward', 'picward' ), $text );
}
add_action( 'admin_init', 'picward_privacy_text' );

/**
 * Offer our exporter.
 *
 * @param array $exporters Exporters.
 */
function picward_exporters( $exporters ): array {
	$exporters            = (array) $exporters;
	$exporters['picward'] = array(
		'exporter_friendly_name' => __( 'Picward verdicts', 'picward' ),
		'callback'               => 'picward_export',
	);
	return $exporters;
}
add_filter( 'wp_privacy_personal_data_exporters', 'picward_exporters' );

/**
 * Offer our eraser.
 *
 * @param array $erasers Erasers.
 */
function picward_erasers( $erasers ): array {
	$erasers            = (array) $erasers;
	$erasers['picward'] = array(
		'eraser_friendly_name' => __( 'Picward verdicts', 'picward' ),
		'callback'             => 'picward_erase',
	);
	return $erasers;
}
add_filter( 'wp_privacy_personal_data_erasers', 'picward_erasers' );

/**
 * Find a person's pictures, page by page.
 *
 * @param string $email Address.
 * @param int    $page  Page, from 1.
 * @return int[]
 */
function picward_pictures_of( string $email, int $page ): array {
	$user = get_user_by( 'email', $email );
	return $user ? array_map(
		'intval',
		get_posts(
			array(
				'post_type'      => 'attachment',
				'post_mime_type' => 'image',
				'post_status'    => 'any',
				'author'         => $user->ID,
				'fields'         => 'ids',
				'posts_per_page' => 100,
				'paged'          => $page,
				'orderby'        => 'ID',
				'order'          => 'ASC',
			)
		)
	) : array();
}

/**
 * Export what is known about a person's pictures.
 *
 * @param string $email Address.
 * @param int    $page  Page.
 */
function picward_export( $email, $page = 1 ): array {
	$ids   = picward_pictures_of( (string) $email, (int) $page );
	$items = array();
	foreach ( $ids as $id ) {
		$verdict = picward_verdict( $id );
		$data    = array(
			array(
				'name'  => __( 'File', 'picward' ),
				'value' => (string) get_post_meta( $id, '_wp_attached_file', true ),
			),
			array(
				'name'  => __( 'Status', 'picward' ),
				'value' => picward_status_name( picward_status( $id ) ),
			),
			array(
				'name'  => __( 'Reasons', 'picward' ),
				'value' => implode( '; ', $verdict['reasons'] ),
			),
		);
		foreach ( picward_history( $id ) as $line ) {
			$data[] = array(
				'name'  => picward_iso( (int) $line['happened_at'] ),
				'value' => $line['who'] . ': ' . $line['what'],
			);
		}
		$items[] = array(
			'group_id'    => 'picward',
			'group_label' => __( 'Picward verdicts', 'picward' ),
			'item_id'     => 'picward-' . $id,
			'data'        => $data,
		);
	}
	return array(
		'data' => $items,
		'done' => count( $ids ) < 100,
	);
}

/**
 * Erase what is known about a person's pictures, here and at the connector. The pictures themselves, and whether they are hidden, stay.
 *
 * @param string $email Address.
 * @param int    $page  Page.
 */
function picward_erase( $email, $page = 1 ): array {
	global $wpdb;
	$ids    = picward_pictures_of( (string) $email, (int) $page );
	$hidden = false;
	foreach ( $ids as $id ) {
		$verdict            = picward_verdict( $id );
		$verdict['reasons'] = array();
		if ( '' !== $verdict['verdict'] ) {
			picward_set_verdict( $id, $verdict );
		}
		$hidden = $hidden || '' !== picward_hidden( $id );
		$wpdb->delete( picward_table( 'history' ), array( 'attachment_id' => $id ) ); // phpcs:ignore WordPress.DB -- own table.
	}
	if ( $ids && picward_is_paired() ) {
		picward_enqueue( picward_new_id( 'erase' ), 'erasure.wanted', 0, array( 'media_ids' => array_map( 'strval', $ids ) ) );
		picward_kick();
	}
	return array(
		'items_removed'  => (bool) $ids,
		'items_retained' => $hidden,
		'messages'       => $hidden ? array( __( 'Picward: pictures that are hidden stay hidden; delete them to remove their originals from the quarantine.', 'picward' ) ) : array(),
		'done'           => count( $ids ) < 100,
	);
}
