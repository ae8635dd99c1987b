<?php
/**
 * Journals that hold files of other attachments: those files go to whom they belong.
 *
 * Version 0.1.0 took files by their stem, whatever their extension was. What lies in the quarantine of it is given back once, journal
 * by journal, when the plugin is updated; later it happens whenever a journal is opened to restore or to delete.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** So many files that were given back are listed for the owner; all are in the history of their pictures. */
const PICWARD_LISTED_FILES = 500;

/**
 * Give the files of a journal that belong to others to them. Give the journal as it is then.
 *
 * A file of a picture that is hidden itself goes into that one's journal; another is put back in its place, unless something else than our placeholder lies there.
 *
 * @param int   $owner   Attachment that keeps the journal; the lock is held.
 * @param array $journal files and superseded.
 * @param bool  $leaving Also hand over what is shared with a picture that stays hidden: this one is being restored.
 * @throws RuntimeException When the database does not answer, or another process is busy with one of the others.
 */
function picward_settle( int $owner, array $journal, bool $leaving = false ): array {
	$twins = picward_twins( $owner );
	foreach ( $journal['files'] as $relative => $entry ) {
		$owners = picward_owners( (string) $relative );
		$others = array_values( array_diff( $owners, $twins ) );
		$theirs = $owners && count( $others ) === count( $owners );
		$hidden = array_values( array_filter( $others, 'picward_hidden' ) );
		if ( $hidden && ( $theirs || $leaving ) ) {
			picward_entrust( $hidden[0], array( $relative => $entry ) );
			$how = $theirs ? 'moved' : '';
		} elseif ( $theirs ) {
			$how = picward_put_back_for( (string) $relative, $entry );
		} else {
			continue;
		}
		unset( $journal['files'][ $relative ] );
		picward_save_journal( $owner, $journal );
		if ( '' !== $how ) {
			picward_tell_given_back( (string) $relative, $others[0], $owner, $how );
		}
		if ( 'given' === $how ) {
			picward_drop_blobs( array( $entry['blob'] ) );
		}
	}
	return $journal;
}

/**
 * Put a quarantined file in its place for another attachment. Give given, or left when something else lies there or it is lost.
 *
 * @param string $relative Path below uploads.
 * @param array  $entry    Entry of the journal; without a placeholder our cards are known by their look.
 * @throws RuntimeException When the file cannot be written.
 */
function picward_put_back_for( string $relative, array $entry ): string {
	$path = picward_absolute( $relative );
	$now  = picward_hash( $path );
	if ( $now === $entry['sha256'] ) {
		return 'given';
	}
	if ( '' !== $now && $now !== $entry['placeholder'] && ! picward_is_card( $path ) ) {
		return 'left';
	}
	if ( ! picward_blob_is_good( $entry ) ) {
		return 'left';
	}
	picward_put_file( $path, picward_blob_pieces( $entry['blob'] ), $entry['mode'], $entry['mtime'], $entry['sha256'] );
	return 'given';
}

/**
 * Say whether a file is a placeholder of ours.
 *
 * @param string $path File.
 */
function picward_is_card( string $path ): bool {
	$size = picward_card_size( $path );
	return picward_hash( $path ) === picward_hash_text( picward_draw_card( $size[0], $size[1], $size[2] ) );
}

/**
 * Give the files of others that a journal of version 0.1.0 keeps only as names of quarantined files.
 *
 * @param int   $owner   Attachment that keeps the journal; the lock is held.
 * @param array $journal files and superseded.
 */
function picward_settle_superseded( int $owner, array $journal ): void {
	$twins = picward_twins( $owner );
	foreach ( $journal['superseded'] as $place => $blob ) {
		try {
			$about = picward_unseal( picward_blob_path( $blob ), picward_quarantine_key() )->current();
		} catch ( RuntimeException $error ) {
			continue;
		}
		$owners = isset( $about['file'], $about['sha256'], $about['mode'], $about['mtime'] ) ? picward_owners( $about['file'] ) : array();
		if ( ! $owners || array_intersect( $owners, $twins ) ) {
			continue;
		}
		$entry = array_merge( $about, array( 'blob' => $blob, 'placeholder' => '' ) );
		// Nothing of a hidden picture is made public here, and nothing that others put there is replaced.
		$how = array_filter( $owners, 'picward_hidden' ) ? 'left' : picward_put_back_for( $about['file'], $entry );
		picward_tell_given_back( $about['file'], $owners[0], $owner, $how );
		if ( 'given' === $how ) {
			unset( $journal['superseded'][ $place ] );
			picward_save_journal( $owner, array_merge( $journal, array( 'superseded' => array_values( $journal['superseded'] ) ) ) );
			picward_drop_blobs( array( $blob ) );
		}
	}
}

/**
 * Write down that a file went back: in the history of its picture, and in the list for the owner of the site.
 *
 * @param string $relative Path below uploads.
 * @param int    $id       Attachment that it belongs to.
 * @param int    $from     Attachment with which it was hidden.
 * @param string $how      given, moved or left.
 */
function picward_tell_given_back( string $relative, int $id, int $from, string $how ): void {
	$texts = array(
		/* translators: 1: file name, 2: number of another picture. */
		'given' => __( '%1$s was hidden with picture %2$d by mistake; it is public again.', 'picward' ),
		/* translators: 1: file name, 2: number of another picture. */
		'moved' => __( '%1$s was hidden with picture %2$d by mistake; it stays hidden with this picture now.', 'picward' ),
		/* translators: 1: file name, 2: number of another picture. */
		'left'  => __( '%1$s was hidden with picture %2$d by mistake. It could not be put back: it has other contents by now, or its copy in the quarantine cannot be read.', 'picward' ),
	);
	$text  = sprintf( $texts[ $how ], wp_basename( $relative ), $from );
	picward_remember( $id, 'Picward', $text );
	$list = picward_given_back();
	if ( count( $list ) < PICWARD_LISTED_FILES ) {
		$list[ $relative ] = array( $id, $text );
		update_option( 'picward_given_back', $list, false );
	}
	picward_after_swap( $id, array( 'files' => array( $relative => array() ) ), 'moved' === $how ? 'hidden' : 'restored' );
}

/**
 * Give the list for the owner of the site: path → attachment and sentence.
 */
function picward_given_back(): array {
	$list = get_option( 'picward_given_back' );
	return is_array( $list ) ? $list : array();
}

/**
 * Ask for all journals to be looked through: an earlier version wrote them.
 */
function picward_start_settling(): void {
	add_option( 'picward_settling', array( 0, false ), '', 'no' );
}

/**
 * Look through the next journals, if that was asked for. It goes on where it stopped, and ends when all are settled.
 *
 * @param int $seconds Stop after about so long.
 */
function picward_settle_journals( int $seconds = 10 ): void {
	global $wpdb;
	$until = time() + $seconds;
	$place = get_option( 'picward_settling' );
	while ( is_array( $place ) && time() < $until ) {
		list( $after, $failed ) = $place;
		// phpcs:ignore WordPress.DB -- no function looks a meta key up without its post.
		$owner = (int) $wpdb->get_var( $wpdb->prepare( "SELECT post_id FROM {$wpdb->postmeta} WHERE meta_key = '_picward_journal' AND post_id > %d ORDER BY post_id LIMIT 1", $after ) );
		if ( ! $owner && ! $failed ) {
			delete_option( 'picward_settling' );
			return;
		}
		$failed = $owner && ( $failed || ! picward_settle_journal( $owner ) );
		$place  = array( $owner, $failed );
		update_option( 'picward_settling', $place, false );
		if ( ! $owner ) {
			return;
		}
	}
}

/**
 * Look through one journal. Say whether it is settled; what failed is tried again after the others.
 *
 * @param int $owner Attachment that keeps it.
 */
function picward_settle_journal( int $owner ): bool {
	try {
		$lock = picward_lock( $owner );
		try {
			picward_forget_cached_meta( $owner );
			picward_settle_superseded( $owner, picward_settle( $owner, picward_journal( $owner ) ) );
			return true;
		} finally {
			picward_unlock( $lock );
		}
	} catch ( RuntimeException $error ) {
		return false;
	}
}
