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
	return $owner > 0 ? $owner : $id;
}

/**
 * Join an attachment to another that shows the same file and is hidden: a translation plugin may have made it just now. Without
 * this the placeholder would be taken for its picture.
 *
 * @param int $id Attachment.
 */
function picward_join_hidden_twin( int $id ): void {
	global $wpdb;
	$file = (string) get_post_meta( $id, '_wp_attached_file', true );
	if ( '' === $file || '' !== picward_hidden( $id ) ) {
		return;
	}
	// By the few journals first: the names of all files have no index.
	// phpcs:ignore WordPress.DB -- no function looks a meta value up.
	$owner = (int) $wpdb->get_var( $wpdb->prepare( "SELECT j.post_id FROM {$wpdb->postmeta} j INNER JOIN {$wpdb->postmeta} f ON f.post_id = j.post_id AND f.meta_key = '_wp_attached_file' WHERE j.meta_key = '_picward_journal' AND f.meta_value = %s LIMIT 1", $file ) );
	if ( $owner && $owner !== $id && '' !== picward_hidden( $owner ) ) {
		update_post_meta( $id, '_picward_owner', $owner );
		update_post_meta( $id, '_picward_hidden', picward_hidden( $owner ) );
		picward_set_verdict( $id, picward_verdict( $owner ) );
		picward_set_status( $id, picward_status( $owner ) );
	}
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
 * Read an attachment's meta anew: another process may have changed it while this one waited for the lock.
 *
 * @param int $id Attachment.
 */
function picward_forget_cached_meta( int $id ): void {
	wp_cache_delete( $id, 'post_meta' );
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
