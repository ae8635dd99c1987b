<?php
/**
 * What must not be done to a hidden picture, and who may decide about it.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Let WordPress 7.1 make image sizes in the browser only if the owner says so.
 *
 * The browser could send other pixels than those that were judged. While pictures are held it is off in any case: the sizes
 * would arrive after the placeholder.
 *
 * @param bool $enabled What WordPress would do.
 */
function picward_browser_sizes( $enabled ): bool {
	return (bool) $enabled && picward_setting( 'browser_sizes', false ) && 'hold' !== picward_mode();
}
add_filter( 'wp_client_side_media_processing_enabled', 'picward_browser_sizes', 100 );

/**
 * Refuse to write files to a hidden picture through the REST API.
 *
 * @param mixed           $result  What another filter answered.
 * @param WP_REST_Server  $server  Server.
 * @param WP_REST_Request $request Request.
 * @return mixed
 */
function picward_refuse_edits( $result, $server, $request ) {
	if ( null === $result && preg_match( '#^/wp/v2/media/(\d+)/(sideload|finalize|edit|post-process)/?$#', $request->get_route(), $parts ) && '' !== picward_hidden( (int) $parts[1] ) ) {
		return new WP_Error( 'picward_hidden', picward_locked_text(), array( 'status' => 423 ) );
	}
	return $result;
}
add_filter( 'rest_pre_dispatch', 'picward_refuse_edits', 10, 3 );

/**
 * Refuse to open a hidden picture in the image editor: it would edit the placeholder.
 */
function picward_refuse_image_editor(): void {
	$id = isset( $_POST['postid'] ) ? absint( $_POST['postid'] ) : 0; // phpcs:ignore WordPress.Security.NonceVerification -- only refuses; WordPress checks the nonce after us.
	if ( $id && '' !== picward_hidden( $id ) ) {
		// The editor reads `error` of an answer with 200 when it saves, and `html` when it opens; of a 423 it reads nothing.
		wp_send_json_error(
			array(
				'error' => picward_locked_text(),
				'html'  => '<div class="notice notice-error"><p>' . esc_html( picward_locked_text() ) . '</p></div>',
			)
		);
	}
}
add_action( 'wp_ajax_image-editor', 'picward_refuse_image_editor', 0 );

/**
 * Say why a hidden picture cannot be edited.
 */
function picward_locked_text(): string {
	return __( 'This picture is hidden until it was checked. It cannot be edited now.', 'picward' );
}

/**
 * Map our capability, and take editing of a hidden picture from those who may not review it. Deleting one’s own stays allowed.
 *
 * @param string[] $caps    Needed primitive capabilities.
 * @param string   $cap     Asked capability.
 * @param int      $user_id User.
 * @param array    $args    The post, for edit_post.
 */
function picward_map_caps( $caps, $cap, $user_id, $args ): array {
	$caps = (array) $caps;
	if ( 'picward_review_media' === $cap ) {
		return array( 'edit_others_posts' );
	}
	if ( 'edit_post' === $cap && isset( $args[0] ) ) {
		$id = $args[0] instanceof WP_Post ? $args[0]->ID : (int) $args[0];
		if ( 'hidden' === picward_hidden( $id ) ) {
			$caps[] = 'edit_others_posts';
		}
	}
	return $caps;
}
add_filter( 'map_meta_cap', 'picward_map_caps', 10, 4 );
