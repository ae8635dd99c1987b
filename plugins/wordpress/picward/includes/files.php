<?php
/**
 * Every file that shows an attachment's picture.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * List the files that belong to an attachment and exist now, as absolute paths. Those that share its main file give the same list.
 *
 * @param int $id Attachment.
 * @return string[]
 * @throws RuntimeException When the database does not say whose files they are.
 */
function picward_attachment_files( int $id ): array {
	$attached = get_attached_file( $id, true );
	if ( ! $attached ) {
		return array();
	}
	$dir   = dirname( wp_normalize_path( $attached ) );
	$twins = picward_twins( $id );
	$paths = array();
	$roots = array();
	foreach ( $twins as $twin ) {
		foreach ( array_keys( picward_claims( (string) get_post_meta( $twin, '_wp_attached_file', true ), wp_get_attachment_metadata( $twin, true ), get_post_meta( $twin, '_wp_attachment_backup_sizes', true ) ) ) as $name ) {
			$roots[ picward_root( (string) $name ) ] = true;
		}
	}
	foreach ( picward_files_of_roots( $dir, $roots ) as $path ) {
		$owners = picward_owners( picward_relative( $path ) );
		// x-300x200-1700000000.jpg (Post Thumbnail Editor) is made of x-300x200.jpg.
		$plain  = (string) preg_replace( '/-\d{10}(?=\.[^.\/]+$)/', '', $path );
		$owners = $owners || $plain === $path ? $owners : picward_owners( picward_relative( $plain ) );
		if ( array_intersect( $owners, $twins ) ) {
			$paths[] = $path;
		}
	}

	$paths = array_merge( $paths, picward_copies( $id, $paths ) );
	/**
	 * Add files that show the same picture, such as an optimiser's backups. What belongs to another attachment is left alone.
	 *
	 * @param string[] $paths Absolute paths.
	 * @param int      $id    Attachment.
	 */
	$paths = (array) apply_filters( 'picward_attachment_files', $paths, $id );
	$found = array();
	foreach ( $paths as $path ) {
		$path = is_string( $path ) ? wp_normalize_path( $path ) : '';
		clearstatcache( true, $path );
		if ( '' === $path || isset( $found[ $path ] ) || ! is_file( $path ) ) {
			continue;
		}
		$owners = picward_owners( picward_relative( $path ) );
		if ( ! $owners || array_intersect( $owners, $twins ) ) {
			$found[ $path ] = $path;
		}
	}
	return array_values( $found );
}

/**
 * List the files of a folder that have one of some roots. Name by name: a folder may hold hundreds of thousands.
 *
 * @param string $dir   Folder.
 * @param true[] $roots By root.
 * @return string[]
 */
function picward_files_of_roots( string $dir, array $roots ): array {
	$found  = array();
	$folder = is_dir( $dir ) ? opendir( $dir ) : false;
	while ( $folder && false !== ( $name = readdir( $folder ) ) ) { // phpcs:ignore Generic.CodeAnalysis.AssignmentInCondition, WordPress.CodeAnalysis.AssignmentInCondition -- as readdir() is used.
		if ( isset( $roots[ picward_root( $name ) ] ) || isset( $roots[ picward_root( (string) preg_replace( '/-\d{10}(?=\.[^.]+$)/', '', $name ) ) ] ) ) {
			$found[] = $dir . '/' . $name;
		}
	}
	if ( $folder ) {
		closedir( $folder );
	}
	sort( $found );
	return $found;
}
