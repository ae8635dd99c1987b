<?php
/**
 * When the outbox is emptied: after the answer went out, by cron, or when the connector asks. An upload never waits for it.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Offer WordPress a rhythm of one minute.
 *
 * @param array $schedules Known rhythms.
 */
function picward_cron_schedules( $schedules ): array {
	$schedules                   = (array) $schedules;
	$schedules['picward_minute'] = array(
		'interval' => MINUTE_IN_SECONDS,
		'display'  => __( 'Every minute (Picward)', 'picward' ),
	);
	return $schedules;
}
// phpcs:ignore WordPress.WP.CronInterval -- one indexed query when there is nothing to do.
add_filter( 'cron_schedules', 'picward_cron_schedules' );

/**
 * Schedule the recurring work where it is missing.
 */
function picward_schedule(): void {
	if ( ! wp_next_scheduled( 'picward_every_minute' ) ) {
		wp_schedule_event( time() + MINUTE_IN_SECONDS, 'picward_minute', 'picward_every_minute' );
	}
	if ( ! wp_next_scheduled( 'picward_daily' ) ) {
		wp_schedule_event( time() + HOUR_IN_SECONDS, 'daily', 'picward_daily' );
	}
}
add_action( 'admin_init', 'picward_schedule' );

/**
 * Do the minute's work: empty the outbox, complete what a killed process left.
 */
function picward_every_minute(): void {
	picward_index_in_background();
	picward_settle_left_uploads();
	picward_notice_left();
	picward_finish_unfinished();
	picward_settle_journals();
	picward_visit_hidden();
	if ( picward_is_paired() ) {
		picward_drain( 20 );
		picward_watch_reach();
	}
}
add_action( 'picward_every_minute', 'picward_every_minute' );
add_action( 'picward_kick', 'picward_every_minute' );

/**
 * Do the day's work: clear the quarantine of what nobody needs, and read again who names which files.
 */
function picward_daily(): void {
	picward_sweep_quarantine();
	picward_index_in_background( true );
}
add_action( 'picward_daily', 'picward_daily' );

/**
 * Read who names which files, so that no hide has to wait for it.
 *
 * @param bool $anew Read all attachments again.
 */
function picward_index_in_background( bool $anew = false ): void {
	try {
		picward_index_stems( $anew );
	} catch ( RuntimeException $error ) {
		// The next time; each look-up reads what is new, or refuses.
		return;
	}
}

/**
 * Ask for this site's outbox to be emptied soon, without making anybody wait.
 *
 * Storage is the table; this is only a hint, and may be lost.
 */
function picward_kick(): void {
	static $asked = array();
	$site         = get_current_blog_id();
	if ( ! isset( $asked[ $site ] ) && picward_is_paired() ) {
		$asked[ $site ] = true;
		// Late: finishing the answer here would cut what other plugins still print.
		add_action(
			'shutdown',
			function () use ( $site ) {
				picward_on_site( $site, 'picward_send_after_answer' );
			},
			1000
		);
	}
}

/**
 * Send at once if the visitor has the answer already, else through cron.
 */
function picward_send_after_answer(): void {
	if ( wp_doing_cron() || ( 'cli' === PHP_SAPI && defined( 'WP_CLI' ) ) ) {
		picward_drain( 10 );
		return;
	}
	foreach ( array( 'fastcgi_finish_request', 'litespeed_finish_request' ) as $finish ) {
		if ( function_exists( $finish ) ) {
			if ( PHP_SESSION_ACTIVE === session_status() ) {
				session_write_close();
			}
			$finish();
			picward_drain( 10 );
			return;
		}
	}
	// Other servers keep the visitor until the process ends.
	if ( 'cli' !== PHP_SAPI && ! ( defined( 'DISABLE_WP_CRON' ) && DISABLE_WP_CRON ) && ! ( defined( 'ALTERNATE_WP_CRON' ) && ALTERNATE_WP_CRON ) ) {
		wp_schedule_single_event( time(), 'picward_kick' );
		spawn_cron();
	}
}
