<?php
/**
 * Every file that shows an attachment's picture.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * List the files of an attachment that exist now, as absolute paths.
 *
 * @param int $id Attachment.
 * @return string[]
 */
function picward_attachment_files( int $id ): array {
	$attached = get_attached_file( $id, true );
	if ( ! $attached ) {
		return array();
	}
	$dir   = dirname( wp_normalize_path( $attached ) );
	$names = array( basename( $attached ) );
	$meta  = wp_get_attachment_metadata( $id, true );
	$meta  = is_array( $meta ) ? $meta : array();

	// original_image: before “-scaled”. The others come from the media processing in the browser (WordPress 7.1).
	foreach ( array( 'original_image', 'source_image', 'animated_video', 'animated_video_poster' ) as $key ) {
		$names[] = $meta[ $key ] ?? '';
	}
	// Leftovers of the image editor stay public under their old names.
	$backups = get_post_meta( $id, '_wp_attachment_backup_sizes', true );
	foreach ( array_merge( array( $meta ), (array) ( $meta['sizes'] ?? array() ), is_array( $backups ) ? $backups : array() ) as $size ) {
		$names[] = $size['file'] ?? '';
		// Performance Lab and its likes keep other formats of each size here.
		foreach ( (array) ( $size['sources'] ?? array() ) as $source ) {
			$names[] = $source['file'] ?? '';
		}
	}
	$paths = array();
	foreach ( $names as $name ) {
		if ( is_string( $name ) && '' !== $name ) {
			$paths[] = $dir . '/' . wp_basename( $name );
		}
	}
	$paths = array_merge( $paths, picward_stray_files( $id, $paths ) );

	/**
	 * Add files that show the same picture, such as an optimiser's backups.
	 *
	 * @param string[] $paths Absolute paths.
	 * @param int      $id    Attachment.
	 */
	$paths = (array) apply_filters( 'picward_attachment_files', $paths, $id );
	$found = array();
	foreach ( $paths as $path ) {
		$path = is_string( $path ) ? wp_normalize_path( $path ) : '';
		clearstatcache( true, $path );
		if ( '' !== $path && is_file( $path ) ) {
			$found[ $path ] = $path;
		}
	}
	return array_values( $found );
}

/**
 * Find files that no metadata names: sizes of an earlier theme, and what image optimisers lay beside a picture.
 *
 * @param int      $id    Attachment.
 * @param string[] $known Absolute paths of the named files.
 * @return string[]
 */
function picward_stray_files( int $id, array $known ): array {
	$strays = array();
	$stems  = array();
	foreach ( array_unique( $known ) as $path ) {
		$stem = preg_replace( '/\.[^.\/]+$/', '', $path );
		foreach ( array( 'webp', 'avif' ) as $type ) {
			// x.jpg.webp (Imagify, EWWW) or x.webp (ShortPixel).
			$strays[] = "$path.$type";
			$strays[] = "$stem.$type";
		}
		$stems[ (string) preg_replace( '/-(scaled|rotated|\d+x\d+)$/', '', $stem ) ] = true;
		$stems[ $stem ] = true;
	}
	$dir = $known ? dirname( $known[0] ) : '';
	foreach ( $dir && is_dir( $dir ) ? (array) scandir( $dir ) : array() as $name ) {
		if ( preg_match( '/^(.+)-\d+x\d+\.(jpe?g|png|gif|webp|avif|heic|bmp|tiff?)(\.webp|\.avif)?$/i', (string) $name, $parts ) && isset( $stems[ $dir . '/' . $parts[1] ] ) ) {
			$strays[] = $dir . '/' . $name;
		}
	}
	$strays = array_filter( array_diff( array_unique( $strays ), $known ), 'is_file' );
	return array_diff( $strays, picward_files_of_others( $id, $strays ) );
}

/**
 * Say which of some files are the main file of another attachment: “photo-300x200.jpg” may be an upload of its own.
 *
 * @param int      $id    Attachment.
 * @param string[] $paths Absolute paths.
 * @return string[]
 */
function picward_files_of_others( int $id, array $paths ): array {
	global $wpdb;
	if ( ! $paths ) {
		return array();
	}
	$names = array();
	foreach ( $paths as $path ) {
		$names[ picward_relative( $path ) ] = $path;
		// A big upload's main file is its “-scaled” copy.
		$names[ picward_relative( (string) preg_replace( '/(\.[^.]+)$/', '-scaled$1', $path ) ) ] = $path;
	}
	$marks = implode( ', ', array_fill( 0, count( $names ), '%s' ) );
	// phpcs:ignore WordPress.DB -- $marks holds placeholders only.
	$taken = $wpdb->get_col( $wpdb->prepare( "SELECT meta_value FROM {$wpdb->postmeta} WHERE meta_key = '_wp_attached_file' AND post_id <> %d AND meta_value IN ($marks)", array_merge( array( $id ), array_keys( $names ) ) ) );
	return array_values( array_intersect_key( $names, array_flip( $taken ) ) );
}

/**
 * Give all attachments that share this one's file, itself included, lowest first. Translation plugins duplicate attachments so.
 *
 * @param int $id Attachment.
 * @return int[]
 */
function picward_twins( int $id ): array {
	global $wpdb;
	$file = (string) get_post_meta( $id, '_wp_attached_file', true );
	if ( '' === $file ) {
		return array( $id );
	}
	// phpcs:ignore WordPress.DB -- no function looks a meta value up.
	$ids = array_map( 'intval', $wpdb->get_col( $wpdb->prepare( "SELECT DISTINCT post_id FROM {$wpdb->postmeta} WHERE meta_key = '_wp_attached_file' AND meta_value = %s ORDER BY post_id LIMIT 100", $file ) ) );
	return in_array( $id, $ids, true ) ? $ids : array( $id );
}
