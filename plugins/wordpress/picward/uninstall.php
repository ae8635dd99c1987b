<?php
/**
 * Clean up when the plugin is deleted.
 *
 * Hidden pictures never become public by this: placeholders stay, and the originals stay in the quarantine, with their key and
 * journals, so that the plugin finds everything when it is installed again. Only who ticked “delete its data too” (or defines
 * PICWARD_DELETE_DATA) has the originals of hidden pictures deleted with the rest.
 *
 * @package Picward
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

defined( 'PICWARD_VERSION' ) || define( 'PICWARD_VERSION', '0.1.0' );

/**
 * Clean up one site.
 */
function picward_uninstall_site(): void {
	global $wpdb;
	$everything = ( defined( 'PICWARD_DELETE_DATA' ) && PICWARD_DELETE_DATA ) || get_option( 'picward_delete_data' );
	require_once __DIR__ . '/includes/database.php';
	require_once __DIR__ . '/includes/connection.php';
	require_once __DIR__ . '/includes/signing.php';
	require_once __DIR__ . '/includes/client.php';
	require_once __DIR__ . '/includes/media.php';
	require_once __DIR__ . '/includes/quarantine.php';
	require_once __DIR__ . '/includes/incoming.php';

	// Best effort: a connector that is away learns it from the next call that fails.
	picward_ask( '/webhooks/wordpress', 'site.removed', array(), 5 );
	picward_deactivate();

	// phpcs:disable WordPress.DB -- own tables and keys.
	foreach ( array( 'outbox', 'seen', 'stems' ) as $name ) {
		$wpdb->query( 'DROP TABLE IF EXISTS ' . picward_table( $name ) );
	}
	foreach ( array( 'picward_connection', 'picward_settings', 'picward_reach', 'picward_visits', 'picward_schema', 'picward_settling', 'picward_stems_up_to', 'picward_given_back', 'picward_delete_data' ) as $option ) {
		delete_option( $option );
	}
	delete_transient( 'picward_waiting' );
	if ( $everything ) {
		picward_delete_quarantine();
		delete_option( 'picward_quarantine_key' );
		$wpdb->query( 'DROP TABLE IF EXISTS ' . picward_table( 'history' ) );
		$wpdb->query( "DELETE FROM {$wpdb->postmeta} WHERE meta_key LIKE '\\_picward\\_%'" );
		$wpdb->query( "DELETE FROM {$wpdb->options} WHERE option_name LIKE '\\_transient\\_picward\\_%' OR option_name LIKE '\\_transient\\_timeout\\_picward\\_%'" );
	}
	// phpcs:enable
}

if ( is_multisite() ) {
	foreach ( get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) as $picward_site ) {
		switch_to_blog( $picward_site );
		picward_uninstall_site();
		restore_current_blog();
	}
} else {
	picward_uninstall_site();
}
