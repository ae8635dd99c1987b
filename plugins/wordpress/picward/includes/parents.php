<?php
/**
 * Posts and products that show a blocked picture: taken offline if the owner wants it, and put back exactly as they were.
 *
 * The post meta `_picward_unpublished` holds the status before the first hide and the pictures that are still blocked.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Find the posts that a picture belongs to: where it was uploaded, whose featured image it is, in whose product gallery it is, and in whose
 * text it stands as an image, in a gallery or in a [gallery].
 *
 * @param int  $id    Attachment.
 * @param bool $texts Also look into texts, which has no index.
 * @return int[]
 */
function picward_parents( int $id, bool $texts = true ): array {
	global $wpdb;
	$post  = get_post( $id );
	$found = $post && $post->post_parent ? array( (int) $post->post_parent ) : array();
	// phpcs:ignore WordPress.DB -- no function looks a meta value up.
	$rows = $wpdb->get_results( $wpdb->prepare( "SELECT post_id, meta_key, meta_value FROM {$wpdb->postmeta} WHERE ( meta_key = '_thumbnail_id' AND meta_value = %s ) OR ( meta_key = '_product_image_gallery' AND meta_value LIKE %s ) LIMIT 200", (string) $id, '%' . $wpdb->esc_like( (string) $id ) . '%' ) );
	foreach ( (array) $rows as $row ) {
		if ( '_thumbnail_id' === $row->meta_key || in_array( (string) $id, array_map( 'trim', explode( ',', $row->meta_value ) ), true ) ) {
			$found[] = (int) $row->post_id;
		}
	}
	$parents = array();
	foreach ( array_merge( $found, $texts ? picward_showing_posts( $id ) : array() ) as $parent_id ) {
		$parent = get_post( $parent_id );
		// A variation is sold as part of its product.
		$parent = $parent && 'product_variation' === $parent->post_type ? get_post( $parent->post_parent ) : $parent;
		if ( $parent && ! in_array( $parent->post_type, array( 'attachment', 'revision' ), true ) ) {
			$parents[ $parent->ID ] = $parent->ID;
		}
	}
	return array_values( $parents );
}

/** So many posts are read at a time when those that show a picture are looked for. */
const PICWARD_READ_POSTS = 200;

/**
 * Find the posts that show a picture in their text. There is no index for it: only where posts are taken offline.
 *
 * @param int $id Attachment.
 * @return int[]
 */
function picward_showing_posts( int $id ): array {
	global $wpdb;
	$found = array();
	$last  = 0;
	do {
		// phpcs:ignore WordPress.DB -- no function looks into texts; what it finds is read exactly below.
		$rows = (array) $wpdb->get_results( $wpdb->prepare( "SELECT ID, post_content FROM {$wpdb->posts} WHERE ID > %d AND post_status IN ( 'publish', 'future', 'private', 'pending' ) AND post_type NOT IN ( 'attachment', 'revision' ) AND ( post_content LIKE %s OR post_content LIKE %s OR post_content LIKE %s OR post_content LIKE %s OR post_content LIKE %s ) ORDER BY ID LIMIT %d", $last, '%wp-image-' . $id . '%', '%"id":' . $id . '%', '%"mediaId":' . $id . '%', '%"ids":[%' . $id . '%', '%[gallery%' . $id . '%', PICWARD_READ_POSTS ) );
		foreach ( $rows as $row ) {
			$last = (int) $row->ID;
			if ( in_array( $id, picward_shown_in( (string) $row->post_content ), true ) ) {
				$found[] = $last;
			}
		}
	} while ( PICWARD_READ_POSTS === count( $rows ) );
	return $found;
}

/**
 * Give the attachments that a text shows: as an image, in an image or gallery block, or in a [gallery].
 *
 * @param string $content Text of a post.
 * @return int[]
 */
function picward_shown_in( string $content ): array {
	preg_match_all( '/\bwp-image-(\d+)\b/', $content, $images );
	preg_match_all( '/<!-- wp:(?:image|cover|media-text|gallery)\s+\{.*?"(?:id|mediaId)":(\d+)/', $content, $blocks );
	preg_match_all( '/(?:"ids":\[|\[gallery[^\]]*\bids=["\']?)([\d, "]+)/', $content, $lists );
	return array_values( array_unique( array_map( 'intval', array_merge( $images[1], $blocks[1], array_filter( explode( ',', str_replace( array( '"', ' ' ), '', implode( ',', $lists[1] ) ) ) ) ) ) ) );
}

/**
 * Give the marker on a post: status and images.
 *
 * @param int $post_id Post.
 */
function picward_marker( int $post_id ): array {
	$marker = get_post_meta( $post_id, '_picward_unpublished', true );
	return is_array( $marker ) && isset( $marker['status'], $marker['images'] ) ? $marker : array();
}

/**
 * Take the posts of a blocked picture offline, if the owner chose so.
 *
 * @param int $id Attachment.
 */
function picward_unpublish_parents( int $id ): void {
	if ( ! picward_setting( 'unpublish_parent', false ) ) {
		return;
	}
	foreach ( picward_parents( $id ) as $parent_id ) {
		$marker = picward_marker( $parent_id );
		$status = (string) get_post_status( $parent_id );
		if ( ! $marker && ! in_array( $status, array( 'publish', 'future', 'private' ), true ) ) {
			continue;
		}
		$marker           = $marker ? $marker : array(
			'status' => $status,
			'images' => array(),
		);
		$marker['images'] = array_values( array_unique( array_merge( $marker['images'], array( $id ) ) ) );
		// Noted before it is done: the state before must survive whatever happens next.
		update_post_meta( $parent_id, '_picward_unpublished', $marker );
		if ( 'pending' !== $status ) {
			picward_change_post_status( $parent_id, 'pending' );
			/* translators: %s: title of a post. */
			picward_remember( $id, 'Picward', sprintf( __( '“%s” was set to pending.', 'picward' ), get_the_title( $parent_id ) ) );
		}
	}
}

/**
 * Put posts back that were offline for a picture, when it was the last one and nobody else changed them.
 *
 * @param int $id Attachment.
 */
function picward_release_parents( int $id ): void {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- few rows, by an indexed key.
	$posts = $wpdb->get_col( "SELECT post_id FROM {$wpdb->postmeta} WHERE meta_key = '_picward_unpublished'" );
	foreach ( array_map( 'intval', $posts ) as $parent_id ) {
		$marker = picward_marker( $parent_id );
		if ( ! $marker || ! in_array( $id, $marker['images'], true ) ) {
			continue;
		}
		$marker['images'] = array_values( array_diff( $marker['images'], array( $id ) ) );
		if ( $marker['images'] ) {
			update_post_meta( $parent_id, '_picward_unpublished', $marker );
			continue;
		}
		if ( 'pending' === get_post_status( $parent_id ) ) {
			picward_change_post_status( $parent_id, $marker['status'] );
			/* translators: 1: title of a post, 2: its status. */
			picward_remember( $id, 'Picward', sprintf( __( '“%1$s” was set back to %2$s.', 'picward' ), get_the_title( $parent_id ), $marker['status'] ) );
		}
		delete_post_meta( $parent_id, '_picward_unpublished' );
	}
}

/**
 * Change nothing but a post's status.
 *
 * Not wp_update_post(): without a signed-in user it runs the content through kses, and scripts or frames would be lost.
 *
 * @param int    $post_id Post.
 * @param string $status  New status.
 */
function picward_change_post_status( int $post_id, string $status ): void {
	global $wpdb;
	$post = get_post( $post_id );
	if ( ! $post ) {
		return;
	}
	$before = $post->post_status;
	picward_changing_status( true );
	$wpdb->update( $wpdb->posts, array( 'post_status' => $status ), array( 'ID' => $post_id ) ); // phpcs:ignore WordPress.DB -- see above.
	clean_post_cache( $post_id );
	if ( function_exists( 'wc_delete_product_transients' ) ) {
		wc_delete_product_transients( $post_id );
	}
	wp_transition_post_status( $status, $before, get_post( $post_id ) );
	picward_changing_status( false );
}

/**
 * Say whether it is this plugin that changes a status now.
 *
 * @param bool|null $set New value, or null to ask.
 */
function picward_changing_status( ?bool $set = null ): bool {
	static $changing = false;
	$changing        = null === $set ? $changing : $set;
	return $changing;
}

/**
 * Forget that we took a post offline when somebody else changes its status: what happens to it then is theirs to say.
 *
 * @param string  $status New status.
 * @param string  $before Old status.
 * @param WP_Post $post   Post.
 */
function picward_on_status_change( $status, $before, $post ): void {
	if ( $status !== $before && ! picward_changing_status() && picward_marker( $post->ID ) ) {
		delete_post_meta( $post->ID, '_picward_unpublished' );
	}
}
add_action( 'transition_post_status', 'picward_on_status_change', 10, 3 );
