<?php
/**
 * Sites of a network: uploads to another one than the request is for, and sites that are deleted.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Do something on a site of the network, with its tables, options and uploads.
 *
 * @param int      $site         Number of the site.
 * @param callable $work         What to do.
 * @param mixed    ...$arguments Its arguments.
 */
function picward_on_site( int $site, callable $work, ...$arguments ): void {
	$elsewhere = get_current_blog_id() !== $site;
	if ( $elsewhere ) {
		switch_to_blog( $site );
		if ( picward_is_paired() ) {
			picward_ensure_tables();
		}
	}
	try {
		$work( ...$arguments );
	} finally {
		if ( $elsewhere ) {
			restore_current_blog();
		}
	}
}

/**
 * Tell the connector that a site is being deleted, and drop what of its quarantine lies outside its uploads.
 *
 * @param WP_Site $site Site.
 */
function picward_on_site_deleted( $site ): void {
	picward_on_site(
		(int) $site->blog_id,
		function () {
			if ( picward_is_paired() ) {
				picward_ask( '/webhooks/wordpress', 'site.removed', array(), 5 );
			}
			picward_delete_quarantine();
		}
	);
}
add_action( 'wp_uninitialize_site', 'picward_on_site_deleted', 1 );

/**
 * Have our tables dropped with a site's own.
 *
 * @param string[] $tables Names of tables.
 * @param int      $site   Number of the site, which is at work.
 */
function picward_drop_tables( $tables, $site ): array {
	global $wpdb;
	$prefix = $wpdb->get_blog_prefix( (int) $site );
	foreach ( PICWARD_TABLES as $name ) {
		$tables[ 'picward_' . $name ] = $prefix . 'picward_' . $name;
	}
	return (array) $tables;
}
add_filter( 'wpmu_drop_tables', 'picward_drop_tables', 10, 2 );
