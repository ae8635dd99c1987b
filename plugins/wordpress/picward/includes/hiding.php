<?php
/**
 * Hide and restore: every file of an attachment is swapped in place.
 *
 * Order of a hide: copies in the quarantine, proven good; journal; placeholders. A process may die between any two
 * steps: the same call, repeated, completes it, and the minute's cron repeats it by `_picward_unfinished`.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Hide a picture, or complete a hide that stopped half-way, or hide what was written since. Give how many files are hidden.
 *
 * @param int    $id Attachment.
 * @param string $as hidden, or held until it was judged.
 * @return int|WP_Error
 */
function picward_hide( int $id, string $as = 'hidden' ) {
	if ( picward_is_offloaded() ) {
		return new WP_Error( 'picward_offloaded', __( 'The pictures of this site lie on another server, where Picward cannot hide them. Take the post offline instead.', 'picward' ), array( 'status' => 422 ) );
	}
	picward_take_time();
	$was = picward_hidden( $id );
	try {
		$lock = picward_lock( $id );
	} catch ( RuntimeException $error ) {
		return new WP_Error( 'picward_quarantine', $error->getMessage(), array( 'status' => 500 ) );
	}
	try {
		picward_forget_cached_meta( $id );
		$twins = picward_twins( $id );
		$owner = picward_adopt( $id, $twins );
		update_post_meta( $owner, '_picward_unfinished', $as );
		$journal = picward_cover( $owner );
		foreach ( $twins as $twin ) {
			update_post_meta( $twin, '_picward_hidden', $as );
		}
		delete_post_meta( $owner, '_picward_unfinished' );
	} catch ( RuntimeException $error ) {
		picward_remember( $id, 'Picward', $error->getMessage() );
		return new WP_Error( 'picward_quarantine', $error->getMessage(), array( 'status' => 500 ) );
	} finally {
		picward_unlock( $lock );
	}
	if ( $was !== $as ) {
		/* translators: %d: number of files. */
		picward_remember( $id, 'Picward', sprintf( 'held' === $as ? __( 'Held: a placeholder stands in the place of %d files until the picture was checked.', 'picward' ) : __( 'Hidden: a placeholder stands in the place of %d files.', 'picward' ), count( $journal['files'] ) ) );
	}
	picward_after_swap( $id, $journal, 'hidden' );
	return count( $journal['files'] );
}

/**
 * Make the lowest of the attachments that share a file keep the journal for all.
 *
 * @param int   $id    Attachment.
 * @param int[] $twins All that share the file.
 */
function picward_adopt( int $id, array $twins ): int {
	$owner = picward_owner( $id );
	foreach ( $twins as $twin ) {
		if ( '' !== (string) get_post_meta( $twin, '_picward_journal', true ) ) {
			$owner = $twin;
			break;
		}
	}
	if ( $owner === $id && ! picward_journal( $id )['files'] ) {
		$owner = min( $twins );
	}
	foreach ( $twins as $twin ) {
		if ( $twin !== $owner ) {
			update_post_meta( $twin, '_picward_owner', $owner );
		} else {
			delete_post_meta( $twin, '_picward_owner' );
		}
	}
	return $owner;
}

/**
 * Bring all files of an attachment under placeholders. Give the journal.
 *
 * @param int $owner Attachment that keeps the journal.
 * @throws RuntimeException When a file cannot be saved; what was not saved was not touched.
 */
function picward_cover( int $owner ): array {
	$journal = picward_set_aside_replaced( $owner, picward_journal( $owner ) );
	$old     = $journal['old_cards'];
	$late    = '' !== picward_hidden( $owner ) && ! $old;
	$fresh   = array();
	unset( $journal['old_cards'] );

	foreach ( picward_attachment_files( $owner ) as $path ) {
		$relative = picward_relative( $path );
		if ( isset( $journal['files'][ $relative ] ) || ( $old && in_array( picward_hash( $path ), $old, true ) ) ) {
			continue;
		}
		$journal['files'][ $relative ] = picward_save_original( $owner, $path, $late );
		$fresh[ $relative ]            = true;
	}
	picward_save_journal( $owner, $journal );

	foreach ( $journal['files'] as $relative => $entry ) {
		$path = picward_absolute( $relative );
		$now  = picward_hash( $path );
		if ( $now === $entry['placeholder'] ) {
			continue;
		}
		if ( isset( $fresh[ $relative ] ) && $now !== $entry['sha256'] ) {
			/* translators: %s: file name. */
			throw new RuntimeException( sprintf( __( '%s was written to while it was being hidden; it will be tried again.', 'picward' ), basename( $path ) ) );
		}
		$card = picward_draw_card( $entry['width'], $entry['height'], $entry['type'] );
		// Another GD than the one that drew the first card may have finished the work of a killed process.
		if ( picward_hash_text( $card ) !== $entry['placeholder'] ) {
			$journal['files'][ $relative ]['placeholder'] = picward_hash_text( $card );
			picward_save_journal( $owner, $journal );
		}
		if ( '' !== $card ) {
			picward_put_file( $path, $card, $entry['mode'] );
		} elseif ( '' !== $now ) {
			picward_unlink( $path );
			if ( is_file( $path ) ) {
				/* translators: %s: path. */
				throw new RuntimeException( sprintf( __( 'Cannot remove %s.', 'picward' ), $path ) );
			}
		}
	}
	picward_clear_temporaries( dirname( (string) get_attached_file( $owner, true ) ) );
	return $journal;
}

/**
 * Copy a public file into the quarantine and give its journal entry.
 *
 * @param int    $owner Attachment.
 * @param string $path  File.
 * @param bool   $late  Written while the picture was already hidden.
 * @throws RuntimeException When the copy is not provably good.
 */
function picward_save_original( int $owner, string $path, bool $late ): array {
	$sha256 = picward_hash( $path );
	$stat   = stat( $path );
	$size   = picward_card_size( $path );
	$about  = array(
		'attachment' => $owner,
		'file'       => picward_relative( $path ),
		'sha256'     => $sha256,
		'mtime'      => $stat['mtime'],
		'mode'       => $stat['mode'] & 0777,
	);
	return array(
		'blob'        => picward_quarantine( $path, $about ),
		'sha256'      => $sha256,
		'size'        => $stat['size'],
		'mtime'       => $stat['mtime'],
		'mode'        => $stat['mode'] & 0777,
		'width'       => $size[0],
		'height'      => $size[1],
		'type'        => $size[2],
		'placeholder' => picward_hash_text( picward_draw_card( $size[0], $size[1], $size[2] ) ),
		'late'        => $late,
	);
}

/**
 * Notice that the picture behind a placeholder was replaced by another upload: the journal of the old one must not come back over it.
 *
 * Only the main file tells. Sizes that changed alone were made by WordPress from the placeholder.
 *
 * @param int   $owner   Attachment.
 * @param array $journal files and superseded.
 */
function picward_set_aside_replaced( int $owner, array $journal ): array {
	$journal['old_cards'] = array();
	$path                 = picward_main_file( $owner );
	$entry                = $journal['files'][ picward_relative( $path ) ] ?? null;
	$now                  = picward_hash( $path );
	if ( ! $entry || '' === $now || $now === $entry['placeholder'] || $now === $entry['sha256'] ) {
		return $journal;
	}
	foreach ( $journal['files'] as $old ) {
		$journal['old_cards'][]  = $old['placeholder'];
		$journal['superseded'][] = $old['blob'];
	}
	$journal['files'] = array();
	return $journal;
}

/**
 * Restore a picture byte for byte, or complete a restore that stopped half-way. Give how many files came back, and whether one was left as someone changed it.
 *
 * @param int $id Attachment.
 * @return array|WP_Error files, drifted.
 */
function picward_restore( int $id ) {
	picward_take_time();
	$owner = picward_owner( $id );
	$late  = array();
	$drift = false;
	try {
		$lock = picward_lock( $id );
	} catch ( RuntimeException $error ) {
		return new WP_Error( 'picward_quarantine', $error->getMessage(), array( 'status' => 500 ) );
	}
	try {
		picward_forget_cached_meta( $owner );
		$journal = picward_journal( $owner );
		$main    = picward_relative( picward_main_file( $owner ) );
		if ( $journal['files'] ) {
			update_post_meta( $owner, '_picward_unfinished', 'restore' );
		}
		foreach ( $journal['files'] as $relative => $entry ) {
			$path = picward_absolute( $relative );
			$now  = picward_hash( $path );
			if ( $entry['late'] ) {
				$late[] = $path;
			}
			if ( $now === $entry['sha256'] ) {
				continue;
			}
			if ( $relative === $main && '' !== $now && $now !== $entry['placeholder'] ) {
				$drift = true;
				continue;
			}
			picward_put_file( $path, picward_blob_pieces( $entry['blob'] ), $entry['mode'], $entry['mtime'], $entry['sha256'] );
		}
		delete_post_meta( $owner, '_picward_journal' );
		foreach ( picward_twins( $owner ) as $twin ) {
			delete_post_meta( $twin, '_picward_hidden' );
			delete_post_meta( $twin, '_picward_owner' );
		}
		delete_post_meta( $owner, '_picward_unfinished' );
		foreach ( $journal['files'] as $entry ) {
			picward_drop_blob( $entry['blob'] );
		}
		array_map( 'picward_drop_blob', $journal['superseded'] );
	} catch ( RuntimeException $error ) {
		picward_remember( $id, 'Picward', $error->getMessage() );
		return new WP_Error( 'picward_quarantine', $error->getMessage(), array( 'status' => 500 ) );
	} finally {
		picward_unlock( $lock );
	}
	if ( $journal['files'] ) {
		/* translators: %d: number of files. */
		picward_remember( $id, 'Picward', sprintf( __( 'Restored: %d files are as they were.', 'picward' ), count( $journal['files'] ) ) );
		picward_after_swap( $id, $journal, 'restored' );
	}
	picward_make_again( $id, $late );
	return array(
		'files'   => count( $journal['files'] ),
		'drifted' => $drift,
	);
}

/**
 * Make sizes anew that were written while the picture was hidden: they show the placeholder.
 *
 * @param int      $id   Attachment.
 * @param string[] $late Their paths.
 */
function picward_make_again( int $id, array $late ): void {
	$meta  = $late ? wp_get_attachment_metadata( $id, true ) : array();
	$names = array_map( 'wp_basename', $late );
	$again = false;
	foreach ( is_array( $meta['sizes'] ?? null ) ? $meta['sizes'] : array() as $name => $size ) {
		if ( in_array( $size['file'], $names, true ) ) {
			wp_delete_file( dirname( (string) get_attached_file( $id, true ) ) . '/' . $size['file'] );
			unset( $meta['sizes'][ $name ] );
			$again = true;
		}
	}
	if ( $again ) {
		require_once ABSPATH . 'wp-admin/includes/image.php';
		wp_update_attachment_metadata( $id, $meta );
		wp_update_image_subsizes( $id );
	}
}

/**
 * Ask for the time that a big picture needs, and go on when the visitor leaves.
 */
function picward_take_time(): void {
	ignore_user_abort( true );
	if ( function_exists( 'set_time_limit' ) ) {
		set_time_limit( 300 ); // phpcs:ignore Squiz.PHP.DiscouragedFunctions -- a killed swap is completed later, but late.
	}
}

/**
 * Complete hides and restores that a killed process left half-way.
 */
function picward_finish_unfinished(): void {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- no function looks a meta key up without its post.
	$rows = $wpdb->get_results( "SELECT post_id, meta_value FROM {$wpdb->postmeta} WHERE meta_key = '_picward_unfinished' LIMIT 5" );
	foreach ( (array) $rows as $row ) {
		if ( 'restore' === $row->meta_value ) {
			picward_restore( (int) $row->post_id );
		} else {
			picward_hide( (int) $row->post_id, $row->meta_value );
		}
	}
}
