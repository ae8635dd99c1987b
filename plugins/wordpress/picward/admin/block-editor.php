<?php
/**
 * A notice in the block editor for whoever writes: pictures of this post are hidden, and stand as placeholders.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Print it where a post shows hidden pictures.
 */
function picward_block_editor_notice(): void {
	$post = get_post();
	if ( ! $post ) {
		return;
	}
	$ids    = array_merge( picward_shown_in( $post->post_content ), array( (int) get_post_thumbnail_id( $post ) ) );
	$hidden = count( array_filter( array_unique( array_filter( $ids ) ), 'picward_hidden' ) );
	if ( $hidden ) {
		/* translators: %d: number of pictures. */
		$text = sprintf( _n( 'Picward: %d picture of this post is hidden. Visitors see a placeholder until it is approved.', 'Picward: %d pictures of this post are hidden. Visitors see placeholders until they are approved.', $hidden, 'picward' ), $hidden );
		wp_add_inline_script( 'wp-edit-post', 'wp.domReady( function () { wp.data.dispatch( "core/notices" ).createWarningNotice( ' . wp_json_encode( $text ) . ', { id: "picward" } ); } );' );
	}
}
add_action( 'enqueue_block_editor_assets', 'picward_block_editor_notice' );
