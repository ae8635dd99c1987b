<?php
/**
 * Connect and disconnect: the first half of the settings page.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Give the address of the settings page.
 */
function picward_settings_url(): string {
	return admin_url( 'options-general.php?page=picward' );
}

/**
 * Stop whoever may not manage the connection, or comes from another site.
 *
 * @param string $action Name of the form.
 */
function picward_check_owner( string $action ): void {
	if ( ! current_user_can( 'manage_options' ) ) {
		wp_die( esc_html__( 'You are not allowed to do this.', 'picward' ), '', array( 'response' => 403 ) );
	}
	check_admin_referer( $action );
}

/**
 * Connect with the pasted code and say what was found.
 */
function picward_handle_connect(): void {
	picward_check_owner( 'picward_connect' );
	$code = defined( 'PICWARD_PAIRING_CODE' ) ? (string) PICWARD_PAIRING_CODE : '';
	if ( '' === $code && isset( $_POST['picward_code'] ) ) { // phpcs:ignore WordPress.Security.NonceVerification -- picward_check_owner() did.
		$code = sanitize_textarea_field( wp_unslash( $_POST['picward_code'] ) ); // phpcs:ignore WordPress.Security.NonceVerification -- picward_check_owner() did.
	}
	$answer = picward_connect( $code );
	if ( is_wp_error( $answer ) ) {
		picward_flash( 'error', '<strong>' . esc_html__( 'Not connected.', 'picward' ) . '</strong> ' . esc_html( $answer->get_error_message() ) );
	} else {
		/* translators: %s: what the connector found when it called back. */
		picward_flash( 'success', '<strong>' . esc_html__( 'Connected and tested.', 'picward' ) . '</strong> ' . esc_html( sprintf( __( 'The connector called back and found: %s', 'picward' ), picward_text( $answer, 'found' ) ) ) );
	}
	wp_safe_redirect( picward_settings_url() );
	exit;
}
add_action( 'admin_post_picward_connect', 'picward_handle_connect' );

/**
 * Forget the connection.
 */
function picward_handle_disconnect(): void {
	picward_check_owner( 'picward_disconnect' );
	picward_disconnect();
	picward_flash( 'info', esc_html__( 'Disconnected. Hidden pictures stay hidden; they can be approved in the list under Media.', 'picward' ) );
	wp_safe_redirect( picward_settings_url() );
	exit;
}
add_action( 'admin_post_picward_disconnect', 'picward_handle_disconnect' );

/**
 * Test the connection again, without a new code, and try what was refused once more.
 */
function picward_handle_test(): void {
	picward_check_owner( 'picward_test' );
	$answer = picward_ask_back();
	if ( is_wp_error( $answer ) ) {
		picward_touch_connection( array( 'error' => $answer->get_error_message() ) );
		picward_flash( 'error', esc_html( $answer->get_error_message() ) );
	} else {
		picward_unpark();
		$sent = picward_drain( 5, true );
		/* translators: %d: number of events. */
		picward_flash( 'success', esc_html( sprintf( __( 'The connector answers, and reaches this site from outside. Events still waiting: %d.', 'picward' ), $sent['waiting'] ) ) );
	}
	wp_safe_redirect( picward_settings_url() );
	exit;
}
add_action( 'admin_post_picward_test', 'picward_handle_test' );

/**
 * Lead this administrator into Picward by a link that works once; where that is switched off, to its sign-in page.
 */
function picward_handle_open(): void {
	picward_check_owner( 'picward_open' );
	$connection = picward_connection();
	$user       = wp_get_current_user();
	$answer     = picward_ask(
		'/door/wordpress/link',
		'link.make',
		array(
			'person' => array(
				'id'   => (string) $user->ID,
				'name' => '' === $user->display_name ? $user->user_login : $user->display_name,
				'role' => 'administrator',
			),
		),
		10
	);
	$url        = is_wp_error( $answer ) ? '' : picward_text( $answer, 'url' );
	if ( 0 !== strpos( $url, ( $connection['url'] ?? '-' ) . '/enter/' ) ) {
		$text = is_wp_error( $answer ) ? $answer->get_error_message() : __( 'The connector gave an address that is not its own.', 'picward' );
		picward_flash( 'error', '<strong>' . esc_html__( 'Picward was not opened.', 'picward' ) . '</strong> ' . esc_html( $text ) );
		wp_safe_redirect( picward_settings_url() );
		exit;
	}
	nocache_headers();
	wp_redirect( $url ); // phpcs:ignore WordPress.Security.SafeRedirect -- the connector's own address, compared above.
	exit;
}
add_action( 'admin_post_picward_open', 'picward_handle_open' );

/**
 * Open a form that posts to one of our handlers.
 *
 * @param string $action Name of the form.
 */
function picward_open_form( string $action ): void {
	printf( '<form method="post" action="%s">', esc_url( admin_url( 'admin-post.php' ) ) );
	printf( '<input type="hidden" name="action" value="%s">', esc_attr( $action ) );
	wp_nonce_field( $action );
}

/**
 * Print the button that leads an administrator into Picward.
 */
function picward_print_open_button(): void {
	if ( ! current_user_can( 'manage_options' ) || ! picward_is_paired() ) {
		return;
	}
	printf( '<form method="post" action="%s" target="_blank">', esc_url( admin_url( 'admin-post.php' ) ) );
	echo '<input type="hidden" name="action" value="picward_open">';
	wp_nonce_field( 'picward_open' );
	submit_button( __( 'Open in Picward', 'picward' ), 'primary', 'open', false );
	echo '</form>';
}

/**
 * Print the card for pasting a pairing code.
 */
function picward_print_connect_card(): void {
	echo '<div class="picward-card"><h2>' . esc_html__( 'Connect', 'picward' ) . '</h2>';
	if ( defined( 'PICWARD_PAIRING_CODE' ) ) {
		echo '<p>' . esc_html__( 'The pairing code is set in wp-config.php (PICWARD_PAIRING_CODE).', 'picward' ) . '</p>';
	} else {
		echo '<p>' . esc_html__( 'Picward runs on a machine of yours. Its console, under “Sites”, shows one pairing code for this site. Paste it here.', 'picward' ) . '</p>';
	}
	picward_open_form( 'picward_connect' );
	if ( ! defined( 'PICWARD_PAIRING_CODE' ) ) {
		echo '<p><label for="picward_code">' . esc_html__( 'Pairing code', 'picward' ) . '</label><br>';
		echo '<textarea class="picward-code" id="picward_code" name="picward_code" rows="4" required spellcheck="false" autocomplete="off" placeholder="picward1_…"></textarea></p>';
	}
	echo '<p class="description">' . esc_html__( 'From then on the address, type, size, title, parent post and uploader of each new picture are sent to that connector, and it fetches the picture to judge it. Nothing is sent anywhere else.', 'picward' ) . '</p>';
	submit_button( __( 'Connect', 'picward' ), 'primary', 'submit', true );
	echo '</form></div>';
}

/**
 * Print the card that shows the connection.
 *
 * @param array $connection As picward_connection() gives it.
 */
function picward_print_connection_card( array $connection ): void {
	$state = '' === picward_reach_problem() ? $connection['state'] ?? 'new' : 'cut-off';
	$names = array(
		'connected' => __( 'Connected', 'picward' ),
		'refused'   => __( 'Refused by the connector', 'picward' ),
		'cut-off'   => __( 'The connector cannot reach this site', 'picward' ),
		'new'       => __( 'Not tested yet', 'picward' ),
	);
	echo '<div class="picward-card"><h2><span class="picward-dot picward-dot-' . esc_attr( $state ) . '"></span>' . esc_html( $names[ $state ] ?? $state ) . '</h2>';
	echo '<table class="form-table" role="presentation">';
	$rows = array(
		__( 'Connector', 'picward' )        => trim( ( $connection['name'] ?? '' ) . ' – ' . $connection['url'], ' –' ),
		__( 'It found', 'picward' )         => $connection['found'] ?? '',
		__( 'Secret', 'picward' )           => __( '••• saved', 'picward' ),
		__( 'Connected since', 'picward' )  => empty( $connection['connected_at'] ) ? '' : wp_date( get_option( 'date_format' ) . ' ' . get_option( 'time_format' ), $connection['connected_at'] ),
		__( 'Last difficulty', 'picward' )  => $connection['error'] ?? '',
	);
	foreach ( array_filter( $rows ) as $name => $value ) {
		echo '<tr><th scope="row">' . esc_html( $name ) . '</th><td>' . esc_html( $value ) . '</td></tr>';
	}
	echo '</table><div class="picward-actions">';
	picward_print_open_button();
	if ( ! empty( $connection['console_url'] ) ) {
		echo '<a class="button" href="' . esc_url( $connection['console_url'] ) . '" target="_blank" rel="noopener">' . esc_html__( 'Open the console', 'picward' ) . '</a>';
	}
	picward_open_form( 'picward_test' );
	submit_button( __( 'Test again', 'picward' ), 'secondary', 'test', false );
	echo '</form>';
	if ( ! defined( 'PICWARD_PAIRING_CODE' ) ) {
		picward_open_form( 'picward_disconnect' );
		submit_button( __( 'Disconnect', 'picward' ), 'link delete', 'disconnect', false );
		echo '</form>';
	}
	echo '</div></div>';
}
