<?php
/**
 * Uploads in mode “Hold until checked”: nobody ever sees an unchecked byte of them.
 *
 * WordPress makes the sizes of a picture from the file that was uploaded, in the same request, at the address that visitors know. So a
 * placeholder takes that place as soon as the file has arrived, and the file waits in a folder without a known name, where its sizes are made;
 * when the request ends all of them go into the quarantine. What a killed process leaves is settled by the next minute's work. A file that
 * waits is the only copy of it: it goes when the same bytes are proven to be in its place or in the quarantine (picward_drop_settled()).
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** The file that says, in such a folder, where its files belong. Whoever works on the folder holds a lock on it. */
const PICWARD_NOTE = 'belongs.json';

/** So many folders that processes left are settled at once. */
const PICWARD_SETTLED_AT_ONCE = 10;

/**
 * Give the folder in which such uploads wait, each in a folder of its own.
 */
function picward_incoming_dir(): string {
	return picward_quarantine_dir() . '/incoming';
}

/**
 * Hold the uploads of this request: folder → file that belongs there, lock, site of the network, attachment.
 */
function &picward_incoming(): array {
	static $incoming = array();
	return $incoming;
}

/**
 * Put a placeholder in the place of an upload that is to be held, and the file where nobody finds it.
 *
 * @param array $upload file, url and type.
 */
function picward_take_aside( $upload ): array {
	$upload = (array) $upload;
	$path   = wp_normalize_path( (string) ( $upload['file'] ?? '' ) );
	if ( 'hold' !== picward_mode() || 0 !== strpos( (string) ( $upload['type'] ?? '' ), 'image/' ) || ! is_file( $path ) || picward_is_trusted_person( wp_get_current_user() ) || picward_is_offloaded() || ! picward_prepare_quarantine() || ! picward_is_library_upload() ) {
		return $upload;
	}
	$dir  = picward_incoming_dir() . '/' . bin2hex( random_bytes( 16 ) );
	$note = wp_mkdir_p( $dir ) ? fopen( $dir . '/' . PICWARD_NOTE, 'xb' ) : false;
	if ( ! $note || ! flock( $note, LOCK_EX ) ) {
		return $upload;
	}
	chmod( $dir, 0700 );
	$aside = $dir . '/' . wp_basename( $path );
	$size  = picward_card_size( $path );
	try {
		picward_write( $note, (string) wp_json_encode( array( 'file' => picward_relative( $path ) ), JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE ), $dir );
		fflush( $note );
		// phpcs:ignore WordPress.WP.AlternativeFunctions -- in one step, where it can be.
		if ( ! rename( $path, $aside ) ) {
			return $upload;
		}
		$card = picward_draw_card( $size[0], $size[1], $size[2] );
		if ( '' !== $card ) {
			picward_put_file( $path, $card, fileperms( $aside ) & 0777 );
		}
	} catch ( RuntimeException $error ) {
		clearstatcache( true, $path );
		if ( ! is_file( $aside ) ) {
			// It could not be taken aside, as on a full disk: it is looked at like any other upload when the request ends.
			return $upload;
		}
		// Nothing is in its place then, which keeps it unseen just as well.
	}
	$incoming         = &picward_incoming();
	$incoming[ $dir ] = array(
		'file' => $path,
		'lock' => $note,
		'site' => get_current_blog_id(),
		'id'   => 0,
	);
	$upload['file']   = $aside;
	return $upload;
}
add_filter( 'wp_handle_upload', 'picward_take_aside', PHP_INT_MIN );

/**
 * Say whether WordPress itself uploads to the media library now. What else uses the same functions keeps no attachment, and goes on with the
 * path that it is given.
 */
function picward_is_library_upload(): bool {
	// phpcs:ignore WordPress.PHP.DevelopmentFunctions -- the filter does not say for whom it is called.
	foreach ( debug_backtrace( DEBUG_BACKTRACE_IGNORE_ARGS, 40 ) as $frame ) {
		$in = ( $frame['class'] ?? '' ) . '::' . $frame['function'];
		if ( in_array( $in, array( '::media_handle_upload', '::media_handle_sideload', 'wp_xmlrpc_server::mw_newMediaObject' ), true ) || 0 === strpos( $in, 'WP_REST_Attachments_Controller::upload_from_' ) ) {
			return true;
		}
	}
	return false;
}

/**
 * Give the place of a file that waits, or the path as it is.
 *
 * @param string $path Absolute path.
 */
function picward_place_of( string $path ): string {
	$dir  = dirname( wp_normalize_path( $path ) );
	$here = picward_incoming()[ $dir ] ?? null;
	return $here ? dirname( $here['file'] ) . '/' . wp_basename( $path ) : $path;
}

/**
 * Store where a file that waits belongs, and note whose it is.
 *
 * @param string $file Absolute path.
 * @param int    $id   Attachment.
 */
function picward_place_attached( $file, $id ): string {
	$dir      = dirname( wp_normalize_path( (string) $file ) );
	$incoming = &picward_incoming();
	if ( isset( $incoming[ $dir ] ) ) {
		$incoming[ $dir ]['id'] = (int) $id;
	}
	return picward_place_of( (string) $file );
}
add_filter( 'update_attached_file', 'picward_place_attached', 10, 2 );

/**
 * Give the path below uploads of where a file belongs that waits.
 *
 * @param string $relative As WordPress shortened it.
 * @param string $path     Absolute path.
 */
function picward_place_relative( $relative, $path ): string {
	$place = picward_place_of( (string) $path );
	return $place === $path ? (string) $relative : picward_relative( $place );
}
add_filter( '_wp_relative_upload_path', 'picward_place_relative', 10, 2 );

/**
 * Take what waits into the quarantine before the request ends; its attachments are reported next.
 */
function picward_settle_uploads(): void {
	foreach ( picward_incoming() as $dir => $upload ) {
		picward_on_site( $upload['site'], 'picward_settle_upload', (string) $dir, $upload['file'], $upload['id'] );
		flock( $upload['lock'], LOCK_UN );
		fclose( $upload['lock'] );
	}
	$incoming = &picward_incoming();
	$incoming = array();
}
add_action( 'shutdown', 'picward_settle_uploads', 0 );

/**
 * Settle what processes left that were killed.
 */
function picward_settle_left_uploads(): void {
	foreach ( array_slice( (array) glob( picward_incoming_dir() . '/*/' . PICWARD_NOTE ), 0, PICWARD_SETTLED_AT_ONCE ) as $path ) {
		$note = fopen( (string) $path, 'rb' );
		if ( ! $note || ! flock( $note, LOCK_EX | LOCK_NB ) ) {
			continue;
		}
		$file = picward_noted_place( (string) stream_get_contents( $note ) );
		try {
			$owners = '' === $file ? array() : array_keys( picward_namers( $file ) );
			if ( $owners ) {
				picward_settle_upload( dirname( (string) $path ), picward_absolute( $file ), $owners[0] );
				picward_notice( $owners[0] );
			} elseif ( time() - (int) filemtime( (string) $path ) > HOUR_IN_SECONDS ) {
				picward_drop_upload( dirname( (string) $path ), '' === $file ? '' : picward_absolute( $file ) );
			}
		} catch ( RuntimeException $error ) {
			// The next time; until then it is seen by nobody.
			continue;
		} finally {
			fclose( $note );
		}
	}
}

/**
 * Read where a file that waits belongs: the path below uploads, or empty.
 *
 * @param string $note Contents of the folder's note.
 */
function picward_noted_place( string $note ): string {
	$about = json_decode( $note, true );
	return is_array( $about ) && is_string( $about['file'] ?? null ) ? $about['file'] : '';
}

/**
 * Say whether an upload of an attachment still waits: what lies in its place, if anything, is not its picture.
 *
 * @param int $id Attachment.
 */
function picward_is_waiting( int $id ): bool {
	try {
		foreach ( picward_waiting_places() as $file ) {
			if ( isset( picward_namers( $file )[ $id ] ) ) {
				return true;
			}
		}
	} catch ( RuntimeException $error ) {
		return true;
	}
	return false;
}

/**
 * List where the uploads that wait belong, as paths below uploads.
 *
 * @return string[]
 */
function picward_waiting_places(): array {
	$places = array();
	foreach ( (array) glob( picward_incoming_dir() . '/*/' . PICWARD_NOTE ) as $path ) {
		// Another process may be removing it.
		$places[] = picward_noted_place( is_file( (string) $path ) ? (string) file_get_contents( (string) $path ) : '' );
	}
	return array_filter( $places );
}

/**
 * Keep an upload from taking the name of another that waits, or is hidden, without a placeholder: nothing lies in its place.
 *
 * @param string $name Name that WordPress found free.
 * @param string $ext  Its extension with the dot.
 * @param string $dir  Folder.
 */
function picward_free_name( $name, $ext, $dir ): string {
	$dir  = untrailingslashit( (string) $dir );
	$free = (string) $name;
	for ( $number = 1; picward_is_reserved( "$dir/$free" ) || ( $free !== $name && file_exists( "$dir/$free" ) ); ++$number ) {
		$free = picward_stem( (string) $name ) . '-' . $number . $ext;
	}
	return $free;
}
add_filter( 'wp_unique_filename', 'picward_free_name', PHP_INT_MAX, 3 );

/**
 * Say whether a file belongs in a place, whatever lies there now.
 *
 * @param string $path Absolute path.
 */
function picward_is_reserved( string $path ): bool {
	$relative = picward_relative( $path );
	return ! path_is_absolute( $relative ) && ( in_array( $relative, picward_waiting_places(), true ) || picward_held_elsewhere( 0, array( $relative ) ) );
}

/**
 * Take the files of one upload into the quarantine, held; or put them in their place when its author is trusted.
 *
 * @param string $dir  Folder in which they wait.
 * @param string $path Where the file belongs that was uploaded.
 * @param int    $id   Attachment, or 0 while there is none: then they wait on.
 */
function picward_settle_upload( string $dir, string $path, int $id ): void {
	if ( ! $id ) {
		return;
	}
	try {
		$lock = picward_lock( $id );
		try {
			picward_forget_cached_meta( $id );
			$places = array();
			foreach ( picward_waiting_files( $dir ) as $aside ) {
				$places[ $aside ] = dirname( $path ) . '/' . wp_basename( $aside );
			}
			$known = array_intersect_key( picward_journal( $id )['files'], array_flip( array_map( 'picward_relative', $places ) ) );
			if ( ! picward_is_held_back( $id ) && '' === picward_hidden( $id ) && ! $known ) {
				picward_settle_trusted( $places );
			} elseif ( ! picward_settle_held( $places, $id ) ) {
				return;
			}
			picward_drop_settled( $dir, $places, $id );
		} finally {
			picward_unlock( $lock );
		}
	} catch ( RuntimeException $error ) {
		picward_remember( $id, 'Picward', $error->getMessage() );
	}
}

/**
 * Put files that waited in their place.
 *
 * @param string[] $places File → its place.
 * @throws RuntimeException When one could not be put there.
 */
function picward_settle_trusted( array $places ): void {
	foreach ( $places as $aside => $place ) {
		// phpcs:ignore WordPress.WP.AlternativeFunctions -- in one step.
		if ( ! rename( $aside, $place ) ) {
			/* translators: %s: path. */
			throw new RuntimeException( sprintf( __( 'Cannot replace %s.', 'picward' ), $place ) );
		}
	}
}

/**
 * Take files that wait into the quarantine, held. Say whether they are hidden; the history says why not.
 *
 * @param string[] $places File → its place.
 * @param int      $id     Attachment; its lock is held.
 * @throws RuntimeException When one could not be saved.
 */
function picward_settle_held( array $places, int $id ): bool {
	$owner   = picward_adopt( $id, picward_twins( $id ) );
	$journal = picward_journal( $owner );
	foreach ( $places as $aside => $place ) {
		$relative = picward_relative( $place );
		$entry    = $journal['files'][ $relative ] ?? null;
		if ( $entry && picward_hash( $aside ) === $entry['sha256'] && picward_blob_is_good( $entry ) ) {
			continue;
		}
		if ( $entry && $owner !== $id ) {
			/* translators: %s: file name. */
			throw new RuntimeException( sprintf( __( 'The copy of %s in the quarantine differs from the file. Nothing was hidden.', 'picward' ), wp_basename( $place ) ) );
		}
		$journal['files'][ $relative ] = picward_save_original( $owner, $aside, false, $relative );
		if ( $entry ) {
			// Who came before the upload was settled took what lay in its place for it.
			$journal['superseded'][] = $entry['blob'];
		}
	}
	picward_save_journal( $owner, $journal );
	// What lies there was never the picture, whoever drew or rewrote it: it must not be taken for a replacement. The cards are drawn anew.
	foreach ( array_filter( $places, 'is_file' ) as $place ) {
		picward_unlink( $place );
		if ( is_file( $place ) ) {
			/* translators: %s: path. */
			throw new RuntimeException( sprintf( __( 'Cannot remove %s.', 'picward' ), $place ) );
		}
	}
	picward_set_status( $id, 'held' );
	return ! is_wp_error( picward_hide( $id, 'held' ) );
}

/**
 * Remove a folder in which an upload waited, once each file in it is proven to be in its place or in the quarantine.
 *
 * @param string   $dir    Folder.
 * @param string[] $places File → its place.
 * @param int      $id     Attachment; its lock is held.
 * @throws RuntimeException When one is not; all wait on then.
 */
function picward_drop_settled( string $dir, array $places, int $id ): void {
	picward_forget_cached_meta( $id );
	picward_forget_cached_meta( picward_owner( $id ) );
	$files = picward_journal( $id )['files'];
	foreach ( picward_waiting_files( $dir ) as $aside ) {
		$hash  = picward_hash( $aside );
		$place = $places[ $aside ] ?? '';
		$entry = $files[ picward_relative( $place ) ] ?? null;
		if ( '' === $hash || ( picward_hash( $place ) !== $hash && ! ( $entry && $entry['sha256'] === $hash && picward_blob_is_good( $entry ) ) ) ) {
			/* translators: %s: file name. */
			throw new RuntimeException( sprintf( __( 'The copy of %s in the quarantine differs from the file. Nothing was hidden.', 'picward' ), wp_basename( $aside ) ) );
		}
	}
	picward_drop_upload( $dir, '' );
}

/**
 * List the files that wait in a folder.
 *
 * @param string $dir Folder.
 * @return string[]
 */
function picward_waiting_files( string $dir ): array {
	$files = array_filter( (array) glob( $dir . '/*' ), 'is_file' );
	return array_values( array_diff( $files, array( $dir . '/' . PICWARD_NOTE ) ) );
}

/**
 * Remove a folder in which an upload waited, and the placeholder of one that came to nothing.
 *
 * @param string $dir  Folder.
 * @param string $path Where the file belonged, or empty.
 */
function picward_drop_upload( string $dir, string $path ): void {
	if ( '' !== $path && is_file( $path ) && picward_is_card( $path ) ) {
		picward_unlink( $path );
	}
	foreach ( array_merge( picward_waiting_files( $dir ), array( $dir . '/' . PICWARD_NOTE ) ) as $file ) {
		picward_unlink( $file );
	}
	rmdir( $dir ); // phpcs:ignore WordPress.WP.AlternativeFunctions -- our own folder, which is empty now.
}
