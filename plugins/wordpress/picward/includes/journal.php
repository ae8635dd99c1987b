<?php
/**
 * The journal of a hidden attachment: which file lies in the quarantine under which name, and what stands in its place.
 *
 * Kept in the post meta `_picward_journal`: {"files": {path: entry}, "superseded": [names]}. An entry has blob, sha256, size, mtime,
 * mode, width, height, placeholder (its sha256, or empty when the public file was removed) and late (written while already hidden).
 * Attachments that share a file share the journal of the lowest of them; `_picward_owner` points there.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Give the attachment that keeps the journal of this one.
 *
 * @param int $id Attachment.
 */
function picward_owner( int $id ): int {
	$owner = (int) get_post_meta( $id, '_picward_owner', true );
	// Whose file was replaced meanwhile shares it no longer.
	return $owner > 0 && get_post_meta( $owner, '_wp_attached_file', true ) === get_post_meta( $id, '_wp_attached_file', true ) ? $owner : $id;
}

/**
 * Give the journal: files and superseded, both empty when nothing is hidden.
 *
 * @param int $id Attachment.
 */
function picward_journal( int $id ): array {
	$stored = json_decode( (string) get_post_meta( picward_owner( $id ), '_picward_journal', true ), true );
	return array(
		'files'      => is_array( $stored['files'] ?? null ) ? $stored['files'] : array(),
		'superseded' => is_array( $stored['superseded'] ?? null ) ? $stored['superseded'] : array(),
	);
}

/**
 * Store the journal and prove that the database has it.
 *
 * @param int   $owner   Attachment that keeps it.
 * @param array $journal files and superseded.
 * @throws RuntimeException When the database has something else.
 */
function picward_save_journal( int $owner, array $journal ): void {
	global $wpdb;
	$text = (string) wp_json_encode( $journal, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE );
	update_post_meta( $owner, '_picward_journal', wp_slash( $text ) );
	// Asked of the database and not of a cache: what comes next replaces originals.
	// phpcs:ignore WordPress.DB -- see above.
	$stored = $wpdb->get_var( $wpdb->prepare( "SELECT meta_value FROM {$wpdb->postmeta} WHERE post_id = %d AND meta_key = '_picward_journal'", $owner ) );
	if ( $stored !== $text ) {
		throw new RuntimeException( __( 'The database did not keep the journal of the quarantine. Nothing was hidden.', 'picward' ) );
	}
}

/**
 * Find files in the journals of other attachments: path → owner of the journal and entry.
 *
 * @param int      $owner     Attachment whose journal does not count.
 * @param string[] $relatives Paths below uploads.
 */
function picward_held_elsewhere( int $owner, array $relatives ): array {
	global $wpdb;
	$found = array();
	$roots = array();
	foreach ( $relatives as $relative ) {
		$roots[ dirname( $relative ) . '/' . picward_root( wp_basename( $relative ) ) ] = true;
	}
	foreach ( array_keys( $roots ) as $root ) {
		$root = '"' . preg_replace( '#^\./#', '', (string) $root );
		// phpcs:ignore WordPress.DB -- no function looks a meta value up; the journals are as many as there are hidden pictures.
		foreach ( (array) $wpdb->get_results( $wpdb->prepare( "SELECT post_id, meta_value FROM {$wpdb->postmeta} WHERE meta_key = '_picward_journal' AND post_id <> %d AND meta_value LIKE %s", $owner, '%' . $wpdb->esc_like( $root ) . '%' ) ) as $row ) {
			$files = json_decode( $row->meta_value, true )['files'] ?? array();
			foreach ( array_intersect_key( is_array( $files ) ? $files : array(), array_flip( $relatives ) ) as $relative => $entry ) {
				$found[ $relative ] = array( (int) $row->post_id, $entry );
			}
		}
		if ( '' !== $wpdb->last_error ) {
			break;
		}
	}
	return $found;
}

/**
 * Add entries to the journal of another attachment. What that one holds already is left as it is.
 *
 * @param int     $id    Attachment.
 * @param array[] $files Path → entry.
 * @throws RuntimeException When the database does not keep it, or another process is busy with that attachment.
 */
function picward_entrust( int $id, array $files ): void {
	$lock = picward_lock( $id, false, false );
	try {
		picward_forget_cached_meta( $id );
		$owner             = picward_owner( $id );
		$journal           = picward_journal( $owner );
		$journal['files'] += $files;
		picward_save_journal( $owner, $journal );
	} finally {
		picward_unlock( $lock );
	}
}

/**
 * Read an attachment's meta anew: another process may have changed it while this one waited for the lock.
 *
 * @param int $id Attachment.
 */
function picward_forget_cached_meta( int $id ): void {
	wp_cache_delete( $id, 'post_meta' );
	picward_forget_claims();
}

/**
 * Put bytes in a file's place in one step, with the permissions and time it should have.
 *
 * @param string          $path   Public file.
 * @param iterable|string $pieces Bytes.
 * @param int             $mode   Permissions.
 * @param int             $mtime  Unix seconds, or 0 for now.
 * @param string          $sha256 What the bytes must be, or empty.
 * @throws RuntimeException When it did not work; the file is then as it was.
 */
function picward_put_file( string $path, $pieces, int $mode, int $mtime = 0, string $sha256 = '' ): void {
	wp_mkdir_p( dirname( $path ) );
	$temporary = dirname( $path ) . '/.picward-' . bin2hex( random_bytes( 8 ) );
	$out       = fopen( $temporary, 'xb' );
	if ( ! $out ) {
		/* translators: %s: path. */
		throw new RuntimeException( sprintf( __( 'Cannot write to the folder of %s.', 'picward' ), $path ) );
	}
	try {
		$hash = hash_init( 'sha256' );
		foreach ( is_string( $pieces ) ? array( $pieces ) : $pieces as $piece ) {
			hash_update( $hash, $piece );
			picward_write( $out, $piece, $path );
		}
		$done = fflush( $out ) && ( ! function_exists( 'fsync' ) || fsync( $out ) );
		if ( ! $done || ( '' !== $sha256 && hash_final( $hash ) !== $sha256 ) ) {
			/* translators: %s: path. */
			throw new RuntimeException( sprintf( __( 'Cannot write %s as it was.', 'picward' ), $path ) );
		}
		chmod( $temporary, $mode );
		if ( $mtime ) {
			touch( $temporary, $mtime );
		}
		// phpcs:ignore WordPress.WP.AlternativeFunctions -- must be one step: a visitor sees the one or the other.
		if ( ! rename( $temporary, $path ) ) {
			/* translators: %s: path. */
			throw new RuntimeException( sprintf( __( 'Cannot replace %s.', 'picward' ), $path ) );
		}
	} finally {
		fclose( $out );
		if ( is_file( $temporary ) ) {
			picward_unlink( $temporary );
		}
		clearstatcache( true, $path );
	}
}

/**
 * Remove temporary files that a killed process left beside a picture.
 *
 * @param string $dir Folder.
 */
function picward_clear_temporaries( string $dir ): void {
	foreach ( (array) glob( $dir . '/.picward-*' ) as $path ) {
		if ( preg_match( '/\.picward-[0-9a-f]{16}$/', (string) $path ) && time() - (int) filemtime( (string) $path ) > HOUR_IN_SECONDS ) {
			picward_unlink( (string) $path );
		}
	}
}
