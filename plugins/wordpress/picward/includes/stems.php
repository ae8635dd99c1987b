<?php
/**
 * Which attachments name files of a stem: an index of our own, for WordPress has none by file name.
 *
 * The table only says where to look; what an attachment names is always read from its meta. It grows with every meta that names files,
 * whoever writes it: through WordPress a hook adds the rows, and before each look-up what has a higher meta_id than the last known one is
 * read, by the primary key. The day's work reads all again, for what was changed in place by SQL.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** So many attachments are read at once: about a megabyte of meta. */
const PICWARD_STEM_ROWS = 500;

/** The meta that names files. */
const PICWARD_NAMING_META = array( '_wp_attached_file', '_wp_attachment_metadata', '_wp_attachment_backup_sizes' );

/**
 * Shorten folder and root to what the table has of them.
 *
 * @param string $dir  Folder below uploads, or “.”.
 * @param string $root As picward_root() gives it.
 */
function picward_stem_key( string $dir, string $root ): string {
	return substr( hash( 'sha256', $dir . '/' . $root ), 0, 32 );
}

/**
 * Read the meta of attachments that names files: attachment → key → value.
 *
 * @param int[] $ids Posts.
 * @throws RuntimeException When the database does not answer: without it nothing may be touched.
 */
function picward_naming_meta( array $ids ): array {
	global $wpdb;
	$found = array();
	foreach ( array_chunk( $ids, PICWARD_STEM_ROWS ) as $some ) {
		$numbers = implode( ', ', array_map( 'intval', $some ) );
		// phpcs:ignore WordPress.DB -- past the cache: another process may have changed it; $numbers holds numbers only.
		foreach ( (array) $wpdb->get_results( "SELECT m.post_id, m.meta_key, m.meta_value FROM {$wpdb->postmeta} m INNER JOIN {$wpdb->posts} p ON p.ID = m.post_id AND p.post_type = 'attachment' WHERE m.post_id IN ( $numbers ) AND m.meta_key IN ( '_wp_attached_file', '_wp_attachment_metadata', '_wp_attachment_backup_sizes' ) ORDER BY m.post_id, m.meta_id DESC" ) as $row ) {
			$found[ (int) $row->post_id ][ $row->meta_key ] = maybe_unserialize( $row->meta_value );
		}
		picward_check_database();
	}
	return $found;
}

/**
 * Stop when the last query failed.
 *
 * @throws RuntimeException When it did.
 */
function picward_check_database(): void {
	global $wpdb;
	if ( '' !== $wpdb->last_error ) {
		throw new RuntimeException( __( 'The database did not say whose files these are. Nothing was touched.', 'picward' ) );
	}
}

/**
 * Add attachments to the index. What is there already stays.
 *
 * @param array[] $meta Attachment → key → value.
 * @throws RuntimeException When the database does not keep it.
 */
function picward_add_stems( array $meta ): void {
	global $wpdb;
	static $added = array();
	$rows         = array();
	foreach ( $meta as $id => $values ) {
		$attached = $values['_wp_attached_file'] ?? '';
		if ( ! is_string( $attached ) || '' === $attached ) {
			continue;
		}
		$attached = picward_relative( $attached );
		foreach ( array_keys( picward_claims( $attached, $values['_wp_attachment_metadata'] ?? null, $values['_wp_attachment_backup_sizes'] ?? null ) ) as $name ) {
			$key = picward_stem_key( dirname( $attached ), picward_root( (string) $name ) );
			$rows[ "('$key', " . (int) $id . ')' ] = true;
		}
	}
	$table = picward_table( 'stems' );
	$new   = array_diff_key( $rows, $added[ $table ] ?? array() );
	if ( $new ) {
		// In order, and again: two processes that fill the table at once may lock each other out.
		ksort( $new );
		for ( $try = 0, $done = false; false === $done && $try < 3; $try++ ) {
			// phpcs:ignore WordPress.DB -- own table, its name cannot be a placeholder before WordPress 6.2; hashes and numbers only.
			$done = $wpdb->query( "INSERT IGNORE INTO $table (stem, attachment_id) VALUES " . implode( ', ', array_keys( $new ) ) );
		}
		picward_check_database();
		// One upload writes its metadata many times.
		$added[ $table ] = count( $new ) > 50 ? array() : array_slice( ( $added[ $table ] ?? array() ) + $new, -200, null, true );
	}
}

/**
 * Bring the index up to date. It goes on where it stopped.
 *
 * @param bool $anew Read all attachments again.
 * @throws RuntimeException When the database does not answer.
 */
function picward_index_stems( bool $anew = false ): void {
	global $wpdb;
	// phpcs:disable WordPress.DB -- no function gives the last meta; asked by the primary key, for that of meta_key covers a prefix only.
	$last = (int) $wpdb->get_var( "SELECT MAX(meta_id) FROM {$wpdb->postmeta}" );
	picward_check_database();
	$after = $anew ? 0 : (int) get_option( 'picward_stems_up_to' );
	while ( $after < $last ) {
		$rows = $wpdb->get_results( $wpdb->prepare( "SELECT meta_id, post_id FROM {$wpdb->postmeta} WHERE meta_id > %d AND meta_key IN ( '_wp_attached_file', '_wp_attachment_metadata', '_wp_attachment_backup_sizes' ) ORDER BY meta_id LIMIT %d", $after, PICWARD_STEM_ROWS ) );
		picward_check_database();
		picward_add_stems( picward_naming_meta( array_unique( wp_list_pluck( $rows, 'post_id' ) ) ) );
		$after = count( $rows ) < PICWARD_STEM_ROWS ? $last : (int) end( $rows )->meta_id;
		if ( ! $anew ) {
			update_option( 'picward_stems_up_to', $after, false );
		}
	}
	// phpcs:enable
	if ( $after > $last && ! $anew ) {
		// The newest meta was deleted; some databases give its number again.
		update_option( 'picward_stems_up_to', $last, false );
	}
}

/**
 * Add an attachment whose files are being named, and forget what was read before.
 *
 * @param mixed  $meta_id One meta, or several.
 * @param int    $id      Post.
 * @param string $name    Key of the meta.
 */
function picward_on_naming_meta( $meta_id, $id, $name ): void {
	if ( ! in_array( $name, PICWARD_NAMING_META, true ) ) {
		return;
	}
	picward_forget_claims();
	if ( 'deleted_post_meta' === current_action() ) {
		return;
	}
	try {
		picward_add_stems( picward_naming_meta( array( (int) $id ) ) );
	} catch ( RuntimeException $error ) {
		// A new row is read before the next look-up, a changed one by the day's work.
		return;
	}
}
add_action( 'added_post_meta', 'picward_on_naming_meta', 10, 3 );
add_action( 'updated_post_meta', 'picward_on_naming_meta', 10, 3 );
add_action( 'deleted_post_meta', 'picward_on_naming_meta', 10, 3 );
