<?php
/**
 * After a hide the addresses are asked as a visitor's browser asks, once for WebP and once without: converters and caches may still show the
 * picture. What they show is written down and told to the owner.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** So many pictures wait to be looked at, at most: those hidden last. */
const PICWARD_VISITS_WAITING = 200;

/** So many addresses of one picture are asked: the biggest files, which are those that posts show. */
const PICWARD_VISITED_FILES = 3;

/** What a browser says that takes WebP, and what an old one says. */
const PICWARD_ACCEPTS = array( 'image/avif,image/webp,*/*;q=0.8', 'image/png,image/jpeg,*/*;q=0.8' );

/**
 * Note that a picture is to be looked at, or not any more.
 *
 * @param int      $id   Attachment.
 * @param string[] $urls Addresses.
 * @param string   $what hidden or restored.
 */
function picward_plan_visit( $id, $urls, $what ): void {
	$planned = picward_planned_visits();
	unset( $planned[ (int) $id ] );
	delete_post_meta( (int) $id, '_picward_still_public' );
	if ( 'hidden' === $what && $urls ) {
		$planned[ (int) $id ] = (int) $id;
	}
	update_option( 'picward_visits', array_slice( $planned, -PICWARD_VISITS_WAITING, null, true ), false );
}
add_action( 'picward_files_swapped', 'picward_plan_visit', 10, 3 );

/**
 * Give the pictures that are to be looked at.
 */
function picward_planned_visits(): array {
	$planned = get_option( 'picward_visits' );
	return is_array( $planned ) ? $planned : array();
}

/**
 * Look at pictures that were hidden.
 *
 * @param int $seconds Stop after about so long.
 */
function picward_visit_hidden( int $seconds = 15 ): void {
	$until = time() + $seconds;
	foreach ( picward_planned_visits() as $id ) {
		if ( time() >= $until ) {
			return;
		}
		$public = '' === picward_hidden( $id ) ? array() : picward_visit( $id );
		if ( $public ) {
			update_post_meta( $id, '_picward_still_public', $public );
			/* translators: %s: addresses. */
			picward_remember( $id, 'Picward', sprintf( __( 'Hidden, but a cache or converter still shows it: %s. Purge it there.', 'picward' ), implode( ', ', $public ) ) );
		}
		$planned = picward_planned_visits();
		unset( $planned[ $id ] );
		update_option( 'picward_visits', $planned, false );
	}
}

/**
 * Ask the addresses of a hidden picture. Give those that still show it; what does not answer says nothing.
 *
 * @param int $id Attachment.
 * @return string[]
 */
function picward_visit( int $id ): array {
	$files  = picward_journal( $id )['files'];
	$known  = array_column( $files, 'sha256' );
	$public = array();
	$base   = untrailingslashit( wp_get_upload_dir()['baseurl'] );
	uasort(
		$files,
		function ( $one, $other ) {
			return $other['width'] <=> $one['width'];
		}
	);
	$files = array_filter( $files, 'picward_is_visible', ARRAY_FILTER_USE_KEY );
	foreach ( array_slice( array_keys( $files ), 0, PICWARD_VISITED_FILES ) as $relative ) {
		$url = $base . '/' . implode( '/', array_map( 'rawurlencode', explode( '/', (string) $relative ) ) );
		foreach ( PICWARD_ACCEPTS as $accept ) {
			$answer = wp_remote_get(
				$url,
				array(
					'timeout'    => 5,
					'user-agent' => 'Mozilla/5.0 (Picward-WordPress/' . PICWARD_VERSION . ')',
					'headers'    => array( 'Accept' => $accept ),
					// As WordPress' own requests to itself.
					'sslverify'  => apply_filters( 'https_local_ssl_verify', false ), // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals -- WordPress' own filter.
				)
			);
			$bytes = is_wp_error( $answer ) || 200 !== wp_remote_retrieve_response_code( $answer ) ? '' : wp_remote_retrieve_body( $answer );
			if ( '' !== $bytes && ( in_array( hash( 'sha256', $bytes ), $known, true ) || ! picward_looks_like_card( $bytes ) ) ) {
				$public[ $url ] = $url;
			}
		}
	}
	return array_values( $public );
}

/**
 * Say whether visitors can ask for a file: it lies below uploads.
 *
 * @param string $relative As the journal names it.
 */
function picward_is_visible( $relative ): bool {
	return ! path_is_absolute( (string) $relative );
}

/**
 * Say whether a picture is our card, whatever format it was converted to: its corners have the card's colour. What cannot be read is none of
 * a converter's, and passes.
 *
 * @param string $bytes Picture.
 */
function picward_looks_like_card( string $bytes ): bool {
	$size = function_exists( 'imagecreatefromstring' ) ? getimagesizefromstring( $bytes ) : false;
	if ( ! $size || $size[0] < 2 || $size[1] < 2 || ! picward_has_memory( $size[0] * $size[1] * 5 ) ) {
		return true;
	}
	$image = @imagecreatefromstring( $bytes ); // phpcs:ignore WordPress.PHP.NoSilencedErrors -- GD warns about pictures it cannot read.
	if ( ! $image ) {
		return true;
	}
	foreach ( array( array( 0, 0 ), array( $size[0] - 1, 0 ), array( 0, $size[1] - 1 ), array( $size[0] - 1, $size[1] - 1 ), array( intdiv( $size[0], 2 ), 0 ) ) as list( $x, $y ) ) {
		$colour = imagecolorsforindex( $image, imagecolorat( $image, $x, $y ) );
		// Converters change colours by a few of 255.
		if ( max( abs( $colour['red'] - 228 ), abs( $colour['green'] - 230 ), abs( $colour['blue'] - 234 ) ) > 12 ) {
			return false;
		}
	}
	return true;
}

/**
 * Count the hidden pictures that something still shows.
 */
function picward_count_still_public(): int {
	global $wpdb;
	return (int) $wpdb->get_var( "SELECT COUNT(*) FROM {$wpdb->postmeta} WHERE meta_key = '_picward_still_public'" ); // phpcs:ignore WordPress.DB -- a count by an indexed key.
}
