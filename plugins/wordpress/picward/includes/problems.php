<?php
/**
 * What is wrong with this site, in the owner's words: for Site Health, the settings page and the connector's console.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Give the state of the quarantine: cipher and writable.
 */
function picward_quarantine_state(): array {
	return array(
		'cipher'   => picward_cipher(),
		'writable' => picward_prepare_quarantine(),
	);
}

/**
 * Say how many seconds the minute's cron is overdue.
 */
function picward_cron_delay(): int {
	$next = wp_next_scheduled( 'picward_every_minute' );
	return $next ? max( 0, time() - $next ) : 0;
}

/**
 * Count the pictures that are public although their journal still holds files: copies are missing, or belong to a picture that was deleted.
 */
function picward_count_lost(): int {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- by an indexed key; the journals are as many as there are hidden pictures.
	return (int) $wpdb->get_var( "SELECT COUNT(*) FROM {$wpdb->postmeta} j LEFT JOIN {$wpdb->postmeta} h ON h.post_id = j.post_id AND h.meta_key = '_picward_hidden' WHERE j.meta_key = '_picward_journal' AND h.meta_id IS NULL" );
}

/**
 * List what is wrong, each a sentence, by a name.
 *
 * @return string[]
 */
function picward_problems(): array {
	$problems   = array();
	$quarantine = picward_quarantine_state();
	$outbox     = picward_outbox_state();
	$connection = picward_connection();
	$reach      = picward_is_paired() ? picward_reach_problem() : '';
	if ( '' !== $reach ) {
		$problems['reach'] = $reach;
	}
	if ( 'none' === $quarantine['cipher'] ) {
		$problems['cipher'] = __( 'PHP has neither sodium nor OpenSSL: hidden originals lie in the quarantine unencrypted, under random names.', 'picward' );
	}
	if ( ! $quarantine['writable'] ) {
		/* translators: %s: path. */
		$problems['quarantine'] = sprintf( __( 'The quarantine folder %s is not writable: no picture can be hidden.', 'picward' ), picward_quarantine_dir() );
	}
	if ( ! function_exists( 'imagecreate' ) ) {
		$problems['gd'] = __( 'PHP has no GD: a hidden picture is removed instead of replaced by a placeholder.', 'picward' );
	}
	if ( picward_is_offloaded() ) {
		$problems['offloaded'] = __( 'Pictures of this site lie on another server. They are checked, but cannot be hidden; take the post offline instead.', 'picward' );
	}
	if ( 'refused' === ( $connection['state'] ?? '' ) ) {
		/* translators: %s: what the connector said. */
		$problems['refused'] = sprintf( __( 'The connector refuses this site: %s', 'picward' ), $connection['error'] ?? '' );
	}
	if ( $outbox['oldest_seconds'] > 15 * MINUTE_IN_SECONDS ) {
		/* translators: 1: number of events, 2: minutes. */
		$problems['outbox'] = sprintf( __( '%1$d events have been waiting for the connector, the oldest for %2$d minutes.', 'picward' ), $outbox['waiting'], intdiv( $outbox['oldest_seconds'], 60 ) );
	}
	if ( $outbox['parked'] ) {
		/* translators: %d: number of events. */
		$problems['parked'] = sprintf( _n( 'The connector will not take %d event.', 'The connector will not take %d events.', $outbox['parked'], 'picward' ), $outbox['parked'] );
	}
	$lost = picward_count_lost();
	if ( $lost ) {
		/* translators: %d: number of pictures. */
		$problems['lost'] = sprintf( _n( '%d picture is public, but files of it are still in the quarantine. Its history under Media says which and why.', '%d pictures are public, but files of them are still in the quarantine. Their histories under Media say which and why.', $lost, 'picward' ), $lost );
	}
	$public = picward_count_still_public();
	if ( $public ) {
		/* translators: %d: number of pictures. */
		$problems['still_public'] = sprintf( _n( '%d hidden picture is still shown by a cache or converter. Its history under Media says at which address; purge it there.', '%d hidden pictures are still shown by caches or converters. Their histories under Media say at which addresses; purge them there.', $public, 'picward' ), $public );
	}
	if ( picward_cron_delay() > 15 * MINUTE_IN_SECONDS ) {
		/* translators: %d: minutes. */
		$problems['cron'] = sprintf( __( 'The site’s scheduled tasks are %d minutes late. Picward then depends on the connector to ask for news.', 'picward' ), intdiv( picward_cron_delay(), 60 ) );
	}
	return $problems;
}
