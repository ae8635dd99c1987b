<?php
/**
 * Restore: every file comes back byte for byte, once nobody's block is on it any more.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Take a picture's block away and restore it, or complete a restore that stopped half-way.
 *
 * @param int $id Attachment.
 * @return array|WP_Error files: how many came back; drifted: somebody replaced the picture, it was left alone; lost: paths that could not be given back;
 *                        blocked: attachments whose block keeps the file hidden.
 */
function picward_restore( int $id ) {
	picward_take_time();
	$done = array(
		'files'   => 0,
		'drifted' => false,
		'lost'    => array(),
		'blocked' => array(),
	);
	try {
		$lock = picward_lock( $id );
	} catch ( RuntimeException $error ) {
		return new WP_Error( 'picward_quarantine', $error->getMessage(), array( 'status' => 500 ) );
	}
	try {
		$owner = picward_owner( $id );
		picward_forget_cached_meta( $id );
		picward_forget_cached_meta( $owner );
		$twins  = picward_twins( $id );
		$blocks = picward_blocks( $twins );
		unset( $blocks[ $id ] );
		picward_store_blocks( $twins, $blocks );
		if ( $blocks ) {
			picward_show_as( $twins, picward_strongest( $blocks ) );
			$done['blocked'] = array_keys( $blocks );
			picward_remember( $id, 'Picward', picward_restore_text( $done ) );
			return $done;
		}
		$journal = picward_journal( $owner );
		if ( $journal['files'] ) {
			update_post_meta( $owner, '_picward_unfinished', 'restore' );
		}
		$journal = picward_settle( $owner, $journal, true );
		list( $done, $late, $kept ) = picward_uncover( $owner, $journal, $done );
		if ( $kept ) {
			picward_save_journal( $owner, array( 'files' => $kept, 'superseded' => array() ) );
		} else {
			delete_post_meta( $owner, '_picward_journal' );
		}
		foreach ( $twins as $twin ) {
			delete_post_meta( $twin, '_picward_hidden' );
		}
		foreach ( $kept ? array() : $twins as $twin ) {
			delete_post_meta( $twin, '_picward_owner' );
		}
		delete_post_meta( $owner, '_picward_unfinished' );
		picward_drop_blobs( array_merge( array_column( array_diff_key( $journal['files'], $kept ), 'blob' ), $journal['superseded'] ) );
	} catch ( RuntimeException $error ) {
		picward_remember( $id, 'Picward', $error->getMessage() );
		return new WP_Error( 'picward_quarantine', $error->getMessage(), array( 'status' => 500 ) );
	} finally {
		picward_unlock( $lock );
	}
	if ( $journal['files'] ) {
		/* translators: %d: number of files. */
		$text = sprintf( __( 'Restored: %d files are as they were.', 'picward' ), $done['files'] );
		picward_remember( $id, 'Picward', trim( $text . ' ' . picward_restore_text( $done ) ) );
		picward_after_swap( $id, $journal, 'restored' );
	}
	picward_make_again( $id, $late );
	return $done;
}

/**
 * Put the files of a journal back. Give the outcome, the paths that were written while hidden, and the entries that are to be kept.
 *
 * @param int   $owner   Attachment that keeps the journal.
 * @param array $journal files and superseded.
 * @param array $done    The outcome so far.
 * @throws RuntimeException When files cannot be written: all others are back then, and a repeated call completes it.
 */
function picward_uncover( int $owner, array $journal, array $done ): array {
	$main   = picward_relative( picward_main_file( $owner ) );
	$late   = array();
	$kept   = array();
	$errors = array();
	foreach ( $journal['files'] as $relative => $entry ) {
		$path = picward_absolute( (string) $relative );
		$now  = picward_hash( $path );
		if ( $entry['late'] ) {
			$late[] = $path;
		}
		if ( $now !== $entry['sha256'] && $relative === $main && '' !== $now && $now !== $entry['placeholder'] ) {
			$done['drifted'] = true;
			continue;
		}
		try {
			if ( $now !== $entry['sha256'] ) {
				picward_put_file( $path, picward_blob_pieces( $entry['blob'] ), $entry['mode'], $entry['mtime'], $entry['sha256'] );
			}
			++$done['files'];
		} catch ( RuntimeException $error ) {
			if ( picward_blob_is_good( $entry ) ) {
				$errors[] = $error->getMessage();
				continue;
			}
			$done['lost'][]    = (string) $relative;
			$kept[ $relative ] = $entry;
		}
	}
	if ( $errors ) {
		throw new RuntimeException( implode( ' ', array_slice( $errors, 0, 5 ) ) );
	}
	return array( $done, $late, $kept );
}

/**
 * Say what a restore did not give back, and why. Empty when it gave back all.
 *
 * @param array $done As picward_restore() gives it.
 */
function picward_restore_text( array $done ): string {
	$texts = array();
	if ( $done['blocked'] ) {
		/* translators: %s: numbers of pictures. */
		$texts[] = sprintf( __( 'It stays hidden: the same file is blocked as picture %s, which has to be approved, too.', 'picward' ), implode( ', ', array_slice( $done['blocked'], 0, 5 ) ) );
	}
	if ( $done['drifted'] ) {
		$texts[] = __( 'The picture was replaced by somebody since it was hidden; it was left as it is.', 'picward' );
	}
	if ( $done['lost'] ) {
		$names = picward_lost_names( $done );
		$more  = count( $done['lost'] ) - count( $names );
		/* translators: 1: names of files, 2: “and so many more”, or nothing. */
		$texts[] = sprintf( __( 'Could not be given back, for their copies in the quarantine are missing or damaged: %1$s%2$s. Put the quarantine back from a backup and approve the picture again.', 'picward' ), implode( ', ', $names ), $more ? ' (+' . $more . ')' : '' );
	}
	return implode( ' ', $texts );
}

/**
 * Give the codes of what a restore did not give back, which the connector has words for.
 *
 * @param array $done As picward_restore() gives it.
 * @return string[]
 */
function picward_restore_codes( array $done ): array {
	$why = array();
	if ( ! empty( $done['blocked'] ) ) {
		$why[] = 'blocked';
	}
	if ( ! empty( $done['drifted'] ) ) {
		$why[] = 'replaced';
	}
	if ( ! empty( $done['lost'] ) ) {
		$why[] = 'lost';
	}
	return $why;
}

/**
 * Name files that were not given back, the first five.
 *
 * @param array $done As picward_restore() gives it.
 * @return string[]
 */
function picward_lost_names( array $done ): array {
	return array_map( 'wp_basename', array_slice( $done['lost'] ?? array(), 0, 5 ) );
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
			wp_delete_file( $late[ array_search( $size['file'], $names, true ) ] );
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
			// Version 0.1.0 noted no block of its own.
			picward_hide( (int) $row->post_id, picward_blocks( picward_twins( (int) $row->post_id ) ) ? '' : $row->meta_value );
		}
	}
}
