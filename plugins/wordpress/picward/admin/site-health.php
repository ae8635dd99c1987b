<?php
/**
 * Tests and information under Tools → Site Health. Loaded outside wp-admin, too: WordPress runs tests from REST and cron.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Offer our tests.
 *
 * @param array $tests Tests.
 */
function picward_health_tests( $tests ): array {
	$tests = (array) $tests;

	$tests['direct']['picward_connection'] = array(
		'label' => __( 'Picward connection', 'picward' ),
		'test'  => 'picward_health_connection',
	);
	$tests['direct']['picward_work']       = array(
		'label' => __( 'Picward on this site', 'picward' ),
		'test'  => 'picward_health_work',
	);
	return $tests;
}
add_filter( 'site_status_tests', 'picward_health_tests' );

/**
 * Make a result.
 *
 * @param string   $test   Name.
 * @param string   $status good, recommended or critical.
 * @param string   $label  One line.
 * @param string[] $texts  Sentences.
 */
function picward_health_result( string $test, string $status, string $label, array $texts ): array {
	return array(
		'test'        => $test,
		'status'      => $status,
		'label'       => $label,
		'badge'       => array(
			'label' => __( 'Picward', 'picward' ),
			'color' => 'good' === $status ? 'blue' : 'orange',
		),
		'description' => '<p>' . implode( '</p><p>', array_map( 'esc_html', $texts ) ) . '</p>',
		'actions'     => '<p><a href="' . esc_url( admin_url( 'options-general.php?page=picward' ) ) . '">' . esc_html__( 'Picward settings', 'picward' ) . '</a></p>',
	);
}

/**
 * Test whether the connector answers.
 */
function picward_health_connection(): array {
	if ( ! picward_is_paired() ) {
		return picward_health_result( 'picward_connection', 'recommended', __( 'Picward is not connected', 'picward' ), array( __( 'No picture is checked until this site is paired with a connector.', 'picward' ) ) );
	}
	$answer = picward_ask_back();
	$reach  = picward_reach_problem();
	if ( '' !== $reach ) {
		return picward_health_result( 'picward_connection', 'critical', __( 'Picward cannot reach this site', 'picward' ), array( $reach ) );
	}
	if ( is_wp_error( $answer ) ) {
		return picward_health_result( 'picward_connection', 'critical', __( 'The Picward connector cannot be reached', 'picward' ), array( $answer->get_error_message(), __( 'Uploads go on and their events are kept.', 'picward' ) ) );
	}
	return picward_health_result( 'picward_connection', 'good', __( 'The Picward connector answers', 'picward' ), array( __( 'New pictures are reported and checked: the connector called this site back from outside.', 'picward' ) ) );
}

/**
 * Test outbox, cron, quarantine and where the pictures lie.
 */
function picward_health_work(): array {
	$problems = picward_problems();
	if ( ! $problems ) {
		return picward_health_result( 'picward_work', 'good', __( 'Picward can hide pictures and report uploads', 'picward' ), array( __( 'The quarantine is writable and encrypted, scheduled tasks run, nothing waits too long.', 'picward' ) ) );
	}
	$critical = array_intersect_key( $problems, array_flip( array( 'reach', 'quarantine', 'refused', 'offloaded' ) ) );
	return picward_health_result( 'picward_work', $critical ? 'critical' : 'recommended', __( 'Picward needs your attention', 'picward' ), array_values( $problems ) );
}

/**
 * Add what helps whoever is asked for help. The secret is not among it.
 *
 * @param array $information Sections.
 */
function picward_debug_information( $information ): array {
	$information = (array) $information;
	$connection  = picward_connection();
	$outbox      = picward_outbox_state();
	$fields      = array(
		'version'    => array( __( 'Version', 'picward' ), PICWARD_VERSION, false ),
		'state'      => array( __( 'Connection', 'picward' ), $connection['state'] ?? __( 'none', 'picward' ), false ),
		'connector'  => array( __( 'Connector', 'picward' ), $connection['url'] ?? '', true ),
		'secret'     => array( __( 'Secret', 'picward' ), $connection ? '•••' : '', true ),
		'mode'       => array( __( 'Mode', 'picward' ), picward_mode(), false ),
		'cipher'     => array( __( 'Quarantine encryption', 'picward' ), picward_cipher(), false ),
		'quarantine' => array( __( 'Quarantine folder', 'picward' ), picward_quarantine_dir(), true ),
		'outbox'     => array( __( 'Events waiting', 'picward' ), $outbox['waiting'] . ' (' . $outbox['oldest_seconds'] . ' s)', false ),
		'parked'     => array( __( 'Events refused', 'picward' ), (string) $outbox['parked'], false ),
		'cron'       => array( __( 'Scheduled tasks late by', 'picward' ), picward_cron_delay() . ' s', false ),
		'finish'     => array( __( 'Events are sent', 'picward' ), function_exists( 'fastcgi_finish_request' ) || function_exists( 'litespeed_finish_request' ) ? __( 'after the answer', 'picward' ) : __( 'by scheduled tasks', 'picward' ), false ),
	);
	$shown       = array();
	foreach ( $fields as $name => list( $label, $value, $private ) ) {
		$shown[ $name ] = array(
			'label'   => $label,
			'value'   => $value,
			'private' => $private,
		);
	}
	$information['picward'] = array(
		'label'  => __( 'Picward', 'picward' ),
		'fields' => $shown,
	);
	return $information;
}
add_filter( 'debug_information', 'picward_debug_information' );
