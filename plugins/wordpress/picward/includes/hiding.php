<?php
/**
 * Hide: every file that belongs to an attachment is swapped in place.
 *
 * The order: copies in the quarantine, proven good; journal; placeholders. A process may die between any two
 * steps: the same call, repeated, completes it, and the minute's cron repeats it by `_picward_unfinished`.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Hide a picture, or complete a hide that stopped half-way, or hide what was written since. Give how many files are hidden.
 *
 * @param int    $id Attachment.
 * @param string $as hidden, or held until it was judged; empty to complete what is hidden already, for whomever it is.
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
		$twins  = picward_twins( $id );
		$owner  = picward_adopt( $id, $twins );
		$blocks = picward_blocks( $twins );
		if ( '' !== $as ) {
			$blocks[ $id ] = $as;
			picward_store_blocks( $twins, $blocks );
		}
		$as = $blocks ? picward_strongest( $blocks ) : $was;
		update_post_meta( $owner, '_picward_unfinished', $as );
		$journal = picward_cover( $owner );
		picward_show_as( $twins, $as );
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

	$paths = picward_attachment_files( $owner );
	$held  = picward_held_elsewhere( $owner, array_map( 'picward_relative', $paths ) );
	// Without an answer a placeholder would be taken for an original.
	picward_check_database();
	foreach ( $paths as $path ) {
		$relative = picward_relative( $path );
		if ( isset( $journal['files'][ $relative ] ) || ( $old && in_array( picward_hash( $path ), $old, true ) ) ) {
			continue;
		}
		// A placeholder already, for a picture that shares the file: when that one is restored, it hands the original over.
		if ( isset( $held[ $relative ] ) && picward_hash( $path ) === $held[ $relative ][1]['placeholder'] ) {
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
			// Its bytes are in the quarantine; whatever filters wp_delete_file(), they must not stay public.
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
 * @param string $place Path below uploads, if it belongs elsewhere than it is.
 * @throws RuntimeException When the copy is not provably good.
 */
function picward_save_original( int $owner, string $path, bool $late, string $place = '' ): array {
	$sha256 = picward_hash( $path );
	$stat   = stat( $path );
	$size   = picward_card_size( $path );
	$about  = array(
		'attachment' => $owner,
		'file'       => '' === $place ? picward_relative( $path ) : $place,
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
 * Ask for the time that a big picture needs, and go on when the visitor leaves.
 */
function picward_take_time(): void {
	ignore_user_abort( true );
	if ( function_exists( 'set_time_limit' ) ) {
		set_time_limit( 300 ); // phpcs:ignore Squiz.PHP.DiscouragedFunctions -- a killed swap is completed later, but late.
	}
}
