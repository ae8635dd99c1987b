<?php
/**
 * Styles and the little script of the plugin's pages.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Load them where they are needed.
 *
 * @param string $hook Screen.
 */
function picward_enqueue_assets( $hook ): void {
	$ours = in_array( $hook, array( 'settings_page_picward', 'media_page_picward-review', 'upload.php', 'post.php' ), true );
	if ( $ours ) {
		wp_enqueue_style( 'picward', plugins_url( 'assets/admin.css', PICWARD_FILE ), array(), PICWARD_VERSION );
	}
	if ( 'media_page_picward-review' === $hook ) {
		wp_enqueue_script( 'picward', plugins_url( 'assets/admin.js', PICWARD_FILE ), array(), PICWARD_VERSION, true );
	}
}
add_action( 'admin_enqueue_scripts', 'picward_enqueue_assets' );
