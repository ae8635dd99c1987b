<?php
/**
 * The plugin's tables, and what happens when it is switched on and off.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** Raise it when a table changes: the tables are then brought up to date on the next request. */
const PICWARD_SCHEMA = 2;

/** The plugin's tables on each site of the network. */
const PICWARD_TABLES = array( 'outbox', 'history', 'seen', 'stems' );

/**
 * Name one of the plugin's tables on this site of the network.
 *
 * @param string $name One of PICWARD_TABLES.
 */
function picward_table( string $name ): string {
	global $wpdb;
	return $wpdb->prefix . 'picward_' . $name;
}

/**
 * Create the tables, or bring them up to date.
 */
function picward_create_tables(): void {
	global $wpdb;
	require_once ABSPATH . 'wp-admin/includes/upgrade.php';
	$charset = $wpdb->get_charset_collate();

	// Times are plain seconds in signed columns: MariaDB refuses a negative difference of unsigned ones.
	dbDelta(
		'CREATE TABLE ' . picward_table( 'outbox' ) . " (
			id bigint(20) NOT NULL AUTO_INCREMENT,
			event_key varchar(80) NOT NULL,
			event_type varchar(40) NOT NULL,
			attachment_id bigint(20) NOT NULL DEFAULT 0,
			payload longtext NOT NULL,
			attempts int(11) NOT NULL DEFAULT 0,
			next_at bigint(20) NOT NULL DEFAULT 0,
			locked_until bigint(20) NOT NULL DEFAULT 0,
			parked tinyint(1) NOT NULL DEFAULT 0,
			last_error text NOT NULL,
			created_at bigint(20) NOT NULL DEFAULT 0,
			PRIMARY KEY  (id),
			UNIQUE KEY event_key (event_key),
			KEY due (parked,next_at)
		) $charset;"
	);
	dbDelta(
		'CREATE TABLE ' . picward_table( 'history' ) . " (
			id bigint(20) NOT NULL AUTO_INCREMENT,
			attachment_id bigint(20) NOT NULL,
			happened_at bigint(20) NOT NULL,
			who varchar(190) NOT NULL,
			what text NOT NULL,
			PRIMARY KEY  (id),
			KEY attachment_id (attachment_id)
		) $charset;"
	);
	dbDelta(
		'CREATE TABLE ' . picward_table( 'seen' ) . " (
			webhook_id varchar(190) NOT NULL,
			seen_at bigint(20) NOT NULL,
			PRIMARY KEY  (webhook_id)
		) $charset;"
	);
	dbDelta(
		'CREATE TABLE ' . picward_table( 'stems' ) . " (
			stem char(32) NOT NULL,
			attachment_id bigint(20) NOT NULL,
			PRIMARY KEY  (stem,attachment_id)
		) $charset;"
	);
	if ( (int) get_option( 'picward_schema' ) < 2 ) {
		picward_start_settling();
	}
	update_option( 'picward_schema', PICWARD_SCHEMA, true );
}

/**
 * Create missing tables: network activation and new sites of a network never run the activation hook here.
 */
function picward_ensure_tables(): void {
	if ( (int) get_option( 'picward_schema' ) !== PICWARD_SCHEMA ) {
		picward_create_tables();
	}
}
add_action( 'init', 'picward_ensure_tables', 1 );

/**
 * Load the translations that come with the plugin.
 */
function picward_load_texts(): void {
	load_plugin_textdomain( 'picward', false, dirname( plugin_basename( PICWARD_FILE ) ) . '/languages' );
}
add_action( 'init', 'picward_load_texts', 1 );

/**
 * Prepare the site when the plugin is switched on.
 */
function picward_activate(): void {
	picward_create_tables();
	picward_quarantine_key();
	picward_prepare_quarantine();
	picward_schedule();
}

/**
 * Stop the recurring work. Hidden pictures stay hidden: nothing becomes public by switching a plugin off.
 */
function picward_deactivate(): void {
	wp_clear_scheduled_hook( 'picward_every_minute' );
	wp_clear_scheduled_hook( 'picward_kick' );
	wp_clear_scheduled_hook( 'picward_daily' );
}
