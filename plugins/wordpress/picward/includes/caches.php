<?php
/**
 * Tell caches that files changed under the same address.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Drop what caches know of an attachment after its files were swapped.
 *
 * @param int    $id      Attachment.
 * @param array  $journal Its journal.
 * @param string $what    hidden or restored.
 */
function picward_after_swap( int $id, array $journal, string $what ): void {
	clean_attachment_cache( $id );
	$post   = get_post( $id );
	$parent = $post ? (int) $post->post_parent : 0;
	if ( $parent ) {
		clean_post_cache( $parent );
	}
	$base = untrailingslashit( wp_get_upload_dir()['baseurl'] );
	$urls = array();
	foreach ( array_keys( $journal['files'] ) as $relative ) {
		if ( ! path_is_absolute( $relative ) ) {
			$urls[] = $base . '/' . $relative;
		}
	}
	if ( function_exists( 'rocket_clean_files' ) ) {
		rocket_clean_files( $urls );
	}
	if ( $parent && function_exists( 'rocket_clean_post' ) ) {
		rocket_clean_post( $parent );
	}
	foreach ( $urls as $url ) {
		do_action( 'litespeed_purge_url', $url ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals -- the cache's own action.
		if ( function_exists( 'w3tc_flush_url' ) ) {
			w3tc_flush_url( $url );
		}
		if ( function_exists( 'wpsc_delete_url_cache' ) ) {
			wpsc_delete_url_cache( $url );
		}
	}
	/**
	 * Purge a cache of your own. Cloudflare's plugin, for one, has no function for single files.
	 *
	 * @param int      $id   Attachment.
	 * @param string[] $urls Addresses whose bytes changed.
	 * @param string   $what hidden or restored.
	 */
	do_action( 'picward_files_swapped', $id, $urls, $what );
}

/**
 * Name our addresses to Cloudflare's plugin, which asks by a filter when a post is edited.
 *
 * @param string[] $urls    Addresses.
 * @param int      $post_id Post.
 */
function picward_cloudflare_urls( $urls, $post_id ): array {
	$urls = (array) $urls;
	$base = untrailingslashit( wp_get_upload_dir()['baseurl'] );
	foreach ( array_keys( picward_journal( (int) $post_id )['files'] ) as $relative ) {
		$urls[] = $base . '/' . $relative;
	}
	return $urls;
}
add_filter( 'cloudflare_purge_by_url', 'picward_cloudflare_urls', 10, 2 );
