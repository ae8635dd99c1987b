<?php
/**
 * The page under Settings.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Register the page, and a link to it in the list of plugins.
 */
function picward_settings_menu(): void {
	add_options_page( __( 'Picward', 'picward' ), __( 'Picward', 'picward' ), 'manage_options', 'picward', 'picward_settings_page' );
}
add_action( 'admin_menu', 'picward_settings_menu' );

/**
 * Link to the settings from the list of plugins.
 *
 * @param string[] $links Links.
 */
function picward_plugin_links( $links ): array {
	return array_merge( array( '<a href="' . esc_url( picward_settings_url() ) . '">' . esc_html__( 'Settings', 'picward' ) . '</a>' ), (array) $links );
}
add_filter( 'plugin_action_links_' . plugin_basename( PICWARD_FILE ), 'picward_plugin_links' );

/**
 * Print the page.
 */
function picward_settings_page(): void {
	$connection = picward_connection();
	echo '<div class="wrap"><h1>' . esc_html__( 'Picward', 'picward' ) . '</h1>';
	if ( ! $connection || ( 'new' === ( $connection['state'] ?? 'new' ) && defined( 'PICWARD_PAIRING_CODE' ) ) ) {
		picward_print_connect_card();
		picward_print_local_card();
		echo '</div>';
		return;
	}
	$answer = picward_ask( '/door/wordpress/settings', 'settings.read', array(), 5 );
	if ( is_wp_error( $answer ) ) {
		picward_touch_connection( array( 'error' => $answer->get_error_message() ) );
	} else {
		picward_keep_settings( $answer );
		picward_touch_connection(
			array(
				'state' => 'connected',
				'error' => '',
			)
		);
	}
	if ( picward_only_watches() ) {
		picward_print_watching();
	}
	picward_print_settings_card( is_wp_error( $answer ) ? $answer : null );
	if ( ! is_wp_error( $answer ) ) {
		picward_print_summary_card();
	}
	picward_print_connection_card( picward_connection() );
	if ( 'refused' === ( picward_connection()['state'] ?? '' ) && ! defined( 'PICWARD_PAIRING_CODE' ) ) {
		picward_print_connect_card();
	}
	picward_print_local_card();
	echo '</div>';
}

/**
 * Say, in the console's words, that nothing is hidden yet but known pictures, and where that is changed.
 */
function picward_print_watching(): void {
	$connection = picward_connection();
	echo '<div class="notice notice-warning inline"><p><strong>' . esc_html__( 'Picward only watches.', 'picward' ) . '</strong> ';
	echo esc_html__( 'It records what it would do and touches nothing but pictures that are on a block list. Look at the decisions for some days, then let the rules act:', 'picward' );
	echo ' <a href="' . esc_url( $connection['url'] . '/sites/' . rawurlencode( $connection['site'] ) . '/rules' ) . '">' . esc_html__( 'the site’s policy', 'picward' ) . '</a></p></div>';
}

/**
 * Print what the connector did so far.
 */
function picward_print_summary_card(): void {
	$summary = picward_ask( '/door/wordpress/summary', 'summary.read', array(), 5 );
	if ( is_wp_error( $summary ) ) {
		return;
	}
	$oldest  = (int) picward_text( $summary, 'oldest_waiting_seconds' );
	$numbers = array(
		__( 'Checked', 'picward' ) => number_format_i18n( (int) picward_text( $summary, 'checked' ) ),
		__( 'Blocked', 'picward' ) => number_format_i18n( (int) picward_text( $summary, 'blocked' ) ),
		__( 'Waiting', 'picward' ) => number_format_i18n( (int) picward_text( $summary, 'waiting' ) ),
	);
	if ( $oldest > 0 ) {
		$numbers[ __( 'Oldest waiting', 'picward' ) ] = human_time_diff( time() - $oldest );
	}
	echo '<div class="picward-card"><h2>' . esc_html__( 'So far', 'picward' ) . '</h2><dl class="picward-numbers">';
	foreach ( $numbers as $name => $number ) {
		echo '<div><dt>' . esc_html( $name ) . '</dt><dd>' . esc_html( $number ) . '</dd></div>';
	}
	echo '</dl>';
	$parked = array();
	foreach ( is_array( $summary['parked'] ?? null ) ? $summary['parked'] : array() as $item ) {
		$parked[] = is_array( $item ) ? picward_text( $item, 'text' ) : '';
	}
	picward_print_list( __( 'Needs your attention at the connector:', 'picward' ), array_filter( $parked ) );
	echo '<p><a href="' . esc_url( admin_url( 'upload.php?page=picward-review' ) ) . '">' . esc_html__( 'Pictures to review', 'picward' ) . '</a></p></div>';
}

/**
 * Print a list under a sentence, if it has items.
 *
 * @param string   $title Sentence.
 * @param string[] $items Items.
 */
function picward_print_list( string $title, array $items ): void {
	if ( ! $items ) {
		return;
	}
	echo '<p><strong>' . esc_html( $title ) . '</strong></p><ul class="ul-disc">';
	foreach ( $items as $item ) {
		echo '<li>' . esc_html( $item ) . '</li>';
	}
	echo '</ul>';
}

/**
 * Print the site's settings; read-only, with the reason, while the connector is away.
 *
 * @param WP_Error|null $away Why it did not answer.
 */
function picward_print_settings_card( ?WP_Error $away ): void {
	$copy   = picward_settings_copy();
	$fields = picward_fields( $copy['declaration'] );
	$again  = get_transient( 'picward_unsaved_' . get_current_user_id() );
	$again  = is_array( $again ) && ! $away ? $again : array();
	delete_transient( 'picward_unsaved_' . get_current_user_id() );
	$values = array_merge( $copy['values'], $again['values'] ?? array() );

	echo '<div class="picward-card"><h2>' . esc_html__( 'Settings of this site', 'picward' ) . '</h2>';
	if ( $away ) {
		/* translators: 1: time, 2: reason. */
		$text = sprintf( __( 'These are the settings as of %1$s. They are kept at the connector and cannot be changed now. %2$s', 'picward' ), $copy['at'] ? wp_date( get_option( 'date_format' ) . ' ' . get_option( 'time_format' ), $copy['at'] ) : '–', $away->get_error_message() );
		echo '<div class="notice notice-warning inline"><p>' . esc_html( $text ) . '</p></div>';
	}
	if ( ! empty( $copy['policy']['summary'] ) && is_string( $copy['policy']['summary'] ) ) {
		/* translators: 1: version number, 2: one line about the policy. */
		echo '<p>' . esc_html( sprintf( __( 'Policy v%1$s: %2$s', 'picward' ), picward_text( $copy['policy'], 'version' ), $copy['policy']['summary'] ) ) . '</p>';
	}
	picward_open_form( 'picward_save' );
	echo $away ? '<fieldset disabled>' : '';
	echo '<table class="form-table" role="presentation">';
	foreach ( wp_list_filter( $fields, array( 'here' => true ) ) as $name => $field ) {
		picward_print_field( $name, $field, $values[ $name ] ?? $field['default'], (string) ( $again['errors'][ $name ] ?? '' ) );
	}
	echo '</table>';
	if ( ! $away ) {
		submit_button( __( 'Save', 'picward' ) );
	}
	echo $away ? '</fieldset>' : '';
	echo '</form></div>';
	picward_print_fixed_card( wp_list_filter( $fields, array( 'here' => false ) ), $copy['values'] );
}

/**
 * Print what only an owner sets, in Picward's console.
 *
 * @param array $fields Their declarations.
 * @param array $values All values.
 */
function picward_print_fixed_card( array $fields, array $values ): void {
	$connection = picward_connection();
	if ( ! $fields || ! $connection ) {
		return;
	}
	$url = $connection['url'] . '/sites/' . rawurlencode( $connection['site'] ) . '/settings';
	echo '<div class="picward-card"><h2>' . esc_html__( 'Set in Picward', 'picward' ) . '</h2>';
	echo '<p>' . esc_html__( 'Only an owner of Picward changes these, in its console: a site that was broken into must not open its own doors.', 'picward' );
	echo ' <a href="' . esc_url( $url ) . '">' . esc_html__( 'Open them there', 'picward' ) . '</a></p>';
	echo '<table class="form-table" role="presentation">';
	foreach ( $fields as $name => $field ) {
		picward_print_fixed( $field, $values[ $name ] ?? $field['default'] );
	}
	echo '</table></div>';
}

/**
 * Save the settings at the connector.
 */
function picward_handle_save(): void {
	picward_check_owner( 'picward_save' );
	// phpcs:ignore WordPress.Security -- picward_check_owner() checked the nonce; picward_read_fields() cleans each declared field.
	$raw    = isset( $_POST['picward'] ) && is_array( $_POST['picward'] ) ? wp_unslash( $_POST['picward'] ) : array();
	$values = picward_read_fields( picward_fields( picward_settings_copy()['declaration'] ), $raw );
	$answer = picward_ask( '/door/wordpress/settings', 'settings.save', array( 'values' => (object) $values ), 10 );
	if ( is_wp_error( $answer ) ) {
		$data   = $answer->get_error_data();
		$errors = is_array( $data ) && is_array( $data['data']['fields'] ?? null ) ? array_filter( $data['data']['fields'], 'is_string' ) : array();
		set_transient(
			'picward_unsaved_' . get_current_user_id(),
			array(
				'values' => $values,
				'errors' => $errors,
			),
			10 * MINUTE_IN_SECONDS
		);
		picward_flash( 'error', '<strong>' . esc_html__( 'Not saved.', 'picward' ) . '</strong> ' . esc_html( $answer->get_error_message() ) );
	} else {
		picward_keep_settings( $answer );
		picward_flash( 'success', esc_html__( 'Settings saved at the connector.', 'picward' ) );
	}
	wp_safe_redirect( picward_settings_url() );
	exit;
}
add_action( 'admin_post_picward_save', 'picward_handle_save' );

/**
 * Print how this site is, and the one thing that is decided here: what an uninstall does.
 */
function picward_print_local_card(): void {
	$outbox = picward_outbox_state();
	$cipher = array(
		'sodium'  => 'sodium (XChaCha20-Poly1305)',
		'openssl' => 'OpenSSL (AES-256-GCM)',
		'none'    => __( 'none', 'picward' ),
	);
	echo '<div class="picward-card"><h2>' . esc_html__( 'On this site', 'picward' ) . '</h2>';
	/* translators: 1: number, 2: number, 3: cipher. */
	echo '<p>' . esc_html( sprintf( __( 'Hidden pictures: %1$s. Events waiting for the connector: %2$s. Encryption of hidden originals: %3$s.', 'picward' ), number_format_i18n( picward_hidden_total() ), number_format_i18n( $outbox['waiting'] ), $cipher[ picward_cipher() ] ) ) . '</p>';
	picward_print_list( __( 'Not looked at:', 'picward' ), picward_unseen_texts() );
	picward_print_list( __( 'To be put right:', 'picward' ), picward_problems() );
	$parked = array();
	foreach ( picward_parked_rows() as $row ) {
		$parked[] = sprintf( '%s #%d: %s', $row->event_type, $row->attachment_id, $row->last_error );
	}
	picward_print_list( __( 'Events that the connector will not take:', 'picward' ), $parked );
	picward_open_form( 'picward_uninstall_choice' );
	printf( '<p><label><input type="checkbox" name="picward_delete_data" value="1"%s> %s</label></p>', checked( (bool) get_option( 'picward_delete_data' ), true, false ), esc_html__( 'When this plugin is deleted, delete its data too, with the originals of all hidden pictures. Placeholders stay in their place.', 'picward' ) );
	submit_button( __( 'Save this choice', 'picward' ), 'secondary', 'submit', false );
	echo '</form></div>';
}

/**
 * Count pictures that stand behind a placeholder.
 */
function picward_hidden_total(): int {
	global $wpdb;
	return (int) $wpdb->get_var( "SELECT COUNT(*) FROM {$wpdb->postmeta} WHERE meta_key = '_picward_hidden'" ); // phpcs:ignore WordPress.DB -- a count by an indexed key.
}

/**
 * Store what an uninstall shall do.
 */
function picward_handle_uninstall_choice(): void {
	picward_check_owner( 'picward_uninstall_choice' );
	update_option( 'picward_delete_data', isset( $_POST['picward_delete_data'] ), false ); // phpcs:ignore WordPress.Security.NonceVerification -- picward_check_owner() did.
	picward_flash( 'success', esc_html__( 'Saved.', 'picward' ) );
	wp_safe_redirect( picward_settings_url() );
	exit;
}
add_action( 'admin_post_picward_uninstall_choice', 'picward_handle_uninstall_choice' );
