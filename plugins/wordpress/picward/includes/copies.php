<?php
/**
 * Copies that other plugins make of a picture's files, where they keep them: converters to WebP, backups of optimisers, thumbnails of page
 * builders. Found by their paths; what another attachment names is never taken for one.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Where each plugin keeps its copies: {file} is the path below uploads, {dir}, {stem} and {ext} its parts, {id} the attachment, {content} and
 * {uploads} WordPress' folders. Each file of a picture is looked for. What lies beside the files under names that begin like theirs is found
 * with them: the x.webp and x.jpg.webp of Imagify, ShortPixel and EWWW, and what Post Thumbnail Editor makes.
 */
const PICWARD_COPIES = array(
	'WebP Express'           => array( '{content}/webp-express/webp-images/uploads/{file}.webp', '{content}/webp-express/webp-images/doc-root/wp-content/uploads/{file}.webp' ),
	'Converter for Media'    => array( '{content}/uploads-webpc/uploads/{file}.webp', '{content}/uploads-webpc/uploads/{file}.avif' ),
	'Smush'                  => array( '{content}/smush-webp/{file}.webp', '{content}/smush-avif/{file}.avif', '{dir}/{stem}.bak.{ext}' ),
	'ShortPixel'             => array( '{uploads}/ShortpixelBackups/wp-content/uploads/{file}', '{uploads}/ShortpixelBackups/{file}' ),
	'Imagify'                => array( '{uploads}/backup/{file}' ),
	'EWWW Image Optimizer'   => array( '{content}/ewww/image-backup/uploads/{file}', '{content}/ewww/image-backup/wp-content/uploads/{file}' ),
	'reSmush.it'             => array( '{dir}/{stem}-unsmushed.{ext}' ),
	'TinyPNG and others'     => array( '{dir}/{stem}.bak-orig.{ext}', '{dir}/{stem}_original.{ext}', '{dir}/{stem}.{ext}.bak' ),
	'Perfect Images, @2x'    => array( '{dir}/{stem}@2x.{ext}', '{dir}/{stem}@2x.{ext}.webp', '{dir}/{stem}@3x.{ext}' ),
	'Fly Dynamic Resizer'    => array( '{uploads}/fly-images/{id}/*' ),
);

/**
 * Where plugins keep copies of all folders' files in one, by the name alone: the folder, and how a name goes on behind the stem. With two files
 * of one name in the library nobody can say whose such a copy is.
 */
const PICWARD_SHARED_COPIES = array(
	'Elementor'                   => array( '{uploads}/elementor/thumbs', '-[0-9a-z]{6,40}' ),
	'BFI Thumb'                   => array( '{uploads}/bfi_thumb', '-[0-9a-z]{4,40}' ),
	'Beaver Builder'              => array( '{uploads}/bb-plugin/cache', '-(?:landscape|portrait|square|panorama|circle)(?:-[0-9a-z]+)?' ),
	'Beaver Builder, before 1.6'  => array( '{uploads}/fl-builder/cache', '-(?:landscape|portrait|square|panorama|circle)(?:-[0-9a-z]+)?' ),
);

/**
 * List the copies of some files of an attachment that exist now, as absolute paths.
 *
 * @param int      $id    Attachment.
 * @param string[] $paths Its files, absolute.
 * @return string[]
 */
function picward_copies( int $id, array $paths ): array {
	$found = array();
	foreach ( PICWARD_COPIES as $patterns ) {
		foreach ( $paths as $path ) {
			foreach ( $patterns as $pattern ) {
				$copy = picward_copy_path( $pattern, $path, $id );
				if ( strpbrk( $pattern, '*[' ) ) {
					$found = array_merge( $found, (array) glob( $copy ) );
				} elseif ( is_file( stripslashes( $copy ) ) ) {
					$found[] = stripslashes( $copy );
				}
			}
		}
	}
	return array_values( array_unique( array_merge( $found, picward_shared_copies( $id, false ) ) ) );
}

/**
 * List copies in folders that all pictures share.
 *
 * @param int  $id        Attachment.
 * @param bool $ambiguous Those of which nobody can say whose they are, instead of its own.
 * @return string[]
 */
function picward_shared_copies( int $id, bool $ambiguous ): array {
	$found = array();
	$name  = wp_basename( (string) get_post_meta( $id, '_wp_attached_file', true ) );
	foreach ( array_unique( array( $name, (string) preg_replace( '/-(scaled|rotated)(?=\.[^.]+$)/', '', $name ) ) ) as $one ) {
		$stem = picward_stem( $one );
		$type = substr( $one, strlen( $stem ) );
		foreach ( PICWARD_SHARED_COPIES as list( $folder, $more ) ) {
			$dir    = picward_copy_path( $folder, $one, $id );
			$copies = is_dir( $dir ) ? (array) glob( $dir . '/' . picward_glob_quoted( $stem ) . '-*' . picward_glob_quoted( $type ) ) : array();
			foreach ( $copies as $copy ) {
				if ( preg_match( '/^' . preg_quote( $stem, '/' ) . $more . preg_quote( $type, '/' ) . '$/D', wp_basename( (string) $copy ) ) && picward_is_only_one( $id, $one ) !== $ambiguous ) {
					$found[] = (string) $copy;
				}
			}
		}
	}
	return $found;
}

/**
 * Say whether no other file of the library has a name, whatever its folder is; those that share a file count as one.
 *
 * @param int    $id   Attachment.
 * @param string $name Base name.
 */
function picward_is_only_one( int $id, string $name ): bool {
	global $wpdb;
	static $known = array();
	$key          = get_current_blog_id() . "\n" . $name;
	if ( ! isset( $known[ $key ] ) ) {
		// phpcs:ignore WordPress.DB -- without an index: only where a plugin has made such a copy.
		$known[ $key ] = $wpdb->get_col( $wpdb->prepare( "SELECT DISTINCT meta_value FROM {$wpdb->postmeta} WHERE meta_key = '_wp_attached_file' AND ( meta_value LIKE %s OR meta_value = %s ) LIMIT 2", '%/' . $wpdb->esc_like( $name ), $name ) );
		picward_check_database();
	}
	return ! array_diff( $known[ $key ], array( (string) get_post_meta( $id, '_wp_attached_file', true ) ) );
}

/**
 * Fill a pattern in. Its fixed parts are quoted for glob().
 *
 * @param string $pattern Of one of the tables.
 * @param string $path    File.
 * @param int    $id      Attachment.
 */
function picward_copy_path( string $pattern, string $path, int $id ): string {
	$stem = picward_stem( wp_basename( $path ) );
	return strtr(
		$pattern,
		array_map(
			'picward_glob_quoted',
			array(
				'{content}' => wp_normalize_path( WP_CONTENT_DIR ),
				'{uploads}' => picward_uploads(),
				'{file}'    => picward_relative( $path ),
				'{dir}'     => dirname( $path ),
				'{stem}'    => $stem,
				'{ext}'     => (string) substr( wp_basename( $path ), strlen( $stem ) + 1 ),
				'{id}'      => (string) $id,
			)
		)
	);
}

/**
 * Quote a text for glob().
 *
 * @param string $text Part of a path.
 */
function picward_glob_quoted( string $text ): string {
	return addcslashes( $text, '*?[]\\' );
}
