<?php
/**
 * Whose file is it: answered from the metadata of every attachment of the folder, and only then from names.
 *
 * A file belongs to the attachments that name it, to those whose claim is best: as their main file, as what is made of their
 * main file, as another current file, as a backup of the image editor. A file that nobody names belongs to an attachment only
 * when its name proves that it was made of that one's file.
 *
 * It costs a look-up in an index per folder and stem, remembered for the request, and the meta of the attachments that it finds: it
 * grows with the pictures that share the stem, not with the library.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** How good a claim to a file is; the lowest wins. */
const PICWARD_CLAIM_MAIN    = 0;
const PICWARD_CLAIM_MADE    = 1;
const PICWARD_CLAIM_CURRENT = 2;
const PICWARD_CLAIM_BACKUP  = 3;

/** So many folders and stems are remembered: a picture has one or two, and a scan of the library must not fill the memory. */
const PICWARD_KNOWN_FOLDERS = 20;

/**
 * Give the files that an attachment's own meta names: each base name with how good the claim is. All lie beside the main file.
 *
 * @param string $attached _wp_attached_file.
 * @param mixed  $meta     _wp_attachment_metadata.
 * @param mixed  $backups  _wp_attachment_backup_sizes: leftovers of the image editor stay public under their old names.
 * @return int[]
 */
function picward_claims( string $attached, $meta, $backups ): array {
	$claims  = array( wp_basename( $attached ) => PICWARD_CLAIM_MAIN );
	$made_of = '/^' . preg_quote( preg_replace( '/-(scaled|rotated)$/', '', picward_stem( wp_basename( $attached ) ) ), '/' ) . '(-\d+x\d+)?\.[^.]+$/';
	$claim   = function ( $name, int $rank ) use ( &$claims, $made_of ) {
		if ( ! is_string( $name ) || '' === $name ) {
			return;
		}
		$name = wp_basename( $name );
		if ( PICWARD_CLAIM_CURRENT === $rank && preg_match( $made_of, $name ) ) {
			$rank = PICWARD_CLAIM_MADE;
		}
		$claims[ $name ] = min( $rank, $claims[ $name ] ?? $rank );
	};
	$meta    = is_array( $meta ) ? $meta : array();
	// original_image: before “-scaled”. The others come from the media processing in the browser (WordPress 7.1), and from old versions.
	foreach ( array( 'file', 'original_image', 'source_image', 'animated_video', 'animated_video_poster', 'thumb' ) as $key ) {
		$claim( $meta[ $key ] ?? '', PICWARD_CLAIM_CURRENT );
	}
	$current = array_merge( array( array( 'sources' => $meta['sources'] ?? array() ) ), array_values( is_array( $meta['sizes'] ?? null ) ? $meta['sizes'] : array() ) );
	foreach ( array( PICWARD_CLAIM_CURRENT => $current, PICWARD_CLAIM_BACKUP => is_array( $backups ) ? $backups : array() ) as $rank => $sizes ) {
		foreach ( $sizes as $size ) {
			$claim( $size['file'] ?? '', $rank );
			// Performance Lab and its likes keep other formats of each size here.
			foreach ( is_array( $size['sources'] ?? null ) ? $size['sources'] : array() as $source ) {
				$claim( $source['file'] ?? '', $rank );
			}
		}
	}
	return $claims;
}

/**
 * Take the extension off a base name.
 *
 * @param string $name Base name.
 */
function picward_stem( string $name ): string {
	return (string) preg_replace( '/\.[^.]+$/', '', $name );
}

/**
 * Give what the names of a picture, its sizes, edits and copies in other formats all begin with.
 *
 * @param string $name Base name.
 */
function picward_root( string $name ): string {
	$root = picward_stem( (string) preg_replace( '/(\.[a-z]{3,4})\.(webp|avif)$/i', '$1', $name ) );
	do {
		$before = $root;
		$root   = (string) preg_replace( '/(?<=.)-(\d+x\d+|scaled|rotated|e\d{9,})$/', '', $root );
	} while ( $root !== $before );
	return $root;
}

/**
 * Give all claims of all attachments to the files of a folder that have a root.
 *
 * @param string $dir  Folder below uploads, or “.”.
 * @param string $root As picward_root() gives it.
 * @return array claims: base name → attachment → claim; stems: stem → base names; attached: attachment → main file.
 * @throws RuntimeException When the database does not answer: without it nothing may be touched.
 */
function picward_folder_claims( string $dir, string $root ): array {
	global $wpdb;
	$key   = get_current_blog_id() . "\n$dir\n$root";
	$known = &picward_known_claims();
	if ( isset( $known[ $key ] ) ) {
		return $known[ $key ];
	}
	picward_index_stems();
	// phpcs:ignore WordPress.DB -- own table, its name cannot be a placeholder before WordPress 6.2.
	$ids = array_map( 'intval', $wpdb->get_col( $wpdb->prepare( 'SELECT attachment_id FROM ' . picward_table( 'stems' ) . ' WHERE stem = %s ORDER BY attachment_id', picward_stem_key( $dir, $root ) ) ) );
	picward_check_database();
	$found = array(
		'claims'   => array(),
		'stems'    => array(),
		'attached' => array(),
	);
	foreach ( picward_naming_meta( $ids ) as $id => $about ) {
		$attached = picward_relative( (string) ( $about['_wp_attached_file'] ?? '' ) );
		// The index only grows: an attachment may have moved to another folder.
		if ( '' === $attached || dirname( $attached ) !== $dir ) {
			continue;
		}
		$found['attached'][ $id ] = $attached;
		foreach ( picward_claims( $attached, $about['_wp_attachment_metadata'] ?? null, $about['_wp_attachment_backup_sizes'] ?? null ) as $name => $rank ) {
			$name = (string) $name;
			if ( picward_root( $name ) === $root ) {
				$found['claims'][ $name ][ $id ] = $rank;

				$found['stems'][ picward_stem( $name ) ][ $name ] = $name;
			}
		}
	}
	$known         = array_slice( $known, -PICWARD_KNOWN_FOLDERS, null, true );
	$known[ $key ] = $found;
	return $found;
}

/**
 * Hold what was read, for this request.
 */
function &picward_known_claims(): array {
	static $known = array();
	return $known;
}

/**
 * Forget what was read: it is being changed, or may have been changed by another process.
 */
function picward_forget_claims(): void {
	$known = &picward_known_claims();
	$known = array();
}

/**
 * Give the attachments that name a file in their meta: attachment → claim.
 *
 * @param string $relative Path below uploads.
 */
function picward_namers( string $relative ): array {
	$name = wp_basename( $relative );
	return picward_folder_claims( dirname( $relative ), picward_root( $name ) )['claims'][ $name ] ?? array();
}

/**
 * Give the attachments that a file belongs to, lowest first. Several share it; none when nobody can say.
 *
 * @param string $relative Path below uploads.
 * @param int[]  $without  Attachments that do not count: they are being deleted.
 * @return int[]
 */
function picward_owners( string $relative, array $without = array() ): array {
	$name  = wp_basename( $relative );
	$known = picward_folder_claims( dirname( $relative ), picward_root( $name ) );
	// x.jpg.webp (Imagify, EWWW) is made of x.jpg.
	foreach ( array( $name, (string) preg_replace( '/(\.[a-z]{3,4})\.(webp|avif)$/i', '$1', $name ) ) as $candidate ) {
		$found = picward_best_claims( $known['claims'][ $candidate ] ?? array(), $without );
		if ( $found ) {
			return $found;
		}
	}
	$stem  = picward_stem( $candidate );
	$type  = strtolower( substr( $candidate, strlen( $stem ) ) );
	$sized = (string) preg_replace( '/-\d+x\d+$/', '', $stem );
	$plain = (string) preg_replace( '/-e\d{13}$/', '', $sized );
	$bases = array_unique( array( $stem, $sized, $plain, (string) preg_replace( '/-(scaled|rotated)$/', '', $plain ) ) );
	// x-300x200.jpg and x-e1700000000123-300x200.jpg are made of x.jpg or x-scaled.jpg, the extension included.
	foreach ( $bases as $base ) {
		foreach ( array( $base, "$base-scaled", "$base-rotated" ) as $source ) {
			foreach ( $known['stems'][ $source ] ?? array() as $other ) {
				$found = strtolower( substr( $other, strlen( $source ) ) ) === $type ? picward_best_claims( $known['claims'][ $other ], $without ) : array();
				if ( $found ) {
					return $found;
				}
			}
		}
	}
	// x.webp (ShortPixel) is made of x.jpg, unless there is an x.png of somebody else.
	$found = array();
	foreach ( '.webp' === $type || '.avif' === $type ? $bases : array() as $base ) {
		foreach ( $known['stems'][ $base ] ?? array() as $other ) {
			$found = array_merge( $found, picward_best_claims( $known['claims'][ $other ], $without ) );
		}
		if ( $found ) {
			$found = array_values( array_unique( $found ) );
			sort( $found );
			return 1 === count( array_unique( array_intersect_key( $known['attached'], array_flip( $found ) ) ) ) ? $found : array();
		}
	}
	return array();
}

/**
 * Give those whose claim to a file is best.
 *
 * @param int[] $claims  Attachment → claim.
 * @param int[] $without Attachments that do not count.
 * @return int[]
 */
function picward_best_claims( array $claims, array $without ): array {
	$claims = array_diff_key( $claims, array_flip( $without ) );
	return $claims ? array_keys( $claims, min( $claims ), true ) : array();
}

/**
 * Give all attachments that share this one's main file, itself included, lowest first. Translation plugins duplicate attachments so.
 *
 * @param int $id Attachment.
 * @return int[]
 */
function picward_twins( int $id ): array {
	$file = picward_relative( (string) get_post_meta( $id, '_wp_attached_file', true ) );
	$ids  = '' === $file ? array() : array_keys( picward_namers( $file ), PICWARD_CLAIM_MAIN, true );
	return in_array( $id, $ids, true ) ? $ids : array( $id );
}
