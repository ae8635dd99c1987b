<?php
/**
 * The quarantine: where originals lie while a placeholder stands in their place.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Give the quarantine's folder. PICWARD_QUARANTINE_DIR puts it outside the web root.
 */
function picward_quarantine_dir(): string {
	if ( defined( 'PICWARD_QUARANTINE_DIR' ) && PICWARD_QUARANTINE_DIR ) {
		$dir = untrailingslashit( wp_normalize_path( PICWARD_QUARANTINE_DIR ) );
		return is_multisite() ? $dir . '/site-' . get_current_blog_id() : $dir;
	}
	return picward_uploads() . '/picward-quarantine';
}

/**
 * Make the folder, closed to browsers as far as the web server listens. The files in it are encrypted anyway.
 */
function picward_prepare_quarantine(): bool {
	$dir = picward_quarantine_dir();
	if ( ! wp_mkdir_p( $dir ) ) {
		return false;
	}
	if ( ! is_file( $dir . '/index.php' ) ) {
		file_put_contents( $dir . '/index.php', "<?php\n// Silence is golden.\n" ); // phpcs:ignore WordPress.WP.AlternativeFunctions -- WP_Filesystem may ask for FTP.
	}
	if ( ! is_file( $dir . '/.htaccess' ) ) {
		file_put_contents( $dir . '/.htaccess', "<IfModule mod_authz_core.c>\n\tRequire all denied\n</IfModule>\n<IfModule !mod_authz_core.c>\n\tDeny from all\n</IfModule>\n" ); // phpcs:ignore WordPress.WP.AlternativeFunctions -- WP_Filesystem may ask for FTP.
	}
	return wp_is_writable( $dir );
}

/**
 * Give the path of a quarantined file.
 *
 * @param string $name Its random name.
 */
function picward_blob_path( string $name ): string {
	return picward_quarantine_dir() . '/' . substr( $name, 0, 2 ) . '/' . $name . '.bin';
}

/**
 * Copy a file into the quarantine, read the copy back and give its name. The file itself is left alone.
 *
 * @param string $path  File.
 * @param array  $about What the copy should know about itself.
 * @throws RuntimeException When the copy is not provably good.
 */
function picward_quarantine( string $path, array $about ): string {
	if ( ! picward_prepare_quarantine() ) {
		/* translators: %s: path. */
		throw new RuntimeException( sprintf( __( 'The quarantine folder %s is not writable.', 'picward' ), picward_quarantine_dir() ) );
	}
	$name = bin2hex( random_bytes( 16 ) );
	$blob = picward_blob_path( $name );
	wp_mkdir_p( dirname( $blob ) );
	try {
		picward_seal( $path, $blob, $about, picward_quarantine_key() );
		if ( picward_blob_hash( $name ) !== $about['sha256'] ) {
			/* translators: %s: file name. */
			throw new RuntimeException( sprintf( __( 'The copy of %s in the quarantine differs from the file. Nothing was hidden.', 'picward' ), basename( $path ) ) );
		}
	} catch ( RuntimeException $error ) {
		picward_drop_blob( $name );
		throw $error;
	}
	return $name;
}

/**
 * Give the original bytes of a quarantined file, piece by piece.
 *
 * @param string $name Its name.
 */
function picward_blob_pieces( string $name ): Generator {
	foreach ( picward_unseal( picward_blob_path( $name ), picward_quarantine_key() ) as $number => $piece ) {
		if ( 0 !== $number ) {
			yield $piece;
		}
	}
}

/**
 * Hash the original bytes of a quarantined file.
 *
 * @param string $name Its name.
 */
function picward_blob_hash( string $name ): string {
	$hash = hash_init( 'sha256' );
	foreach ( picward_blob_pieces( $name ) as $piece ) {
		hash_update( $hash, $piece );
	}
	return hash_final( $hash );
}

/**
 * Say whether the quarantine still has what a journal's entry promises.
 *
 * @param array $entry blob and sha256.
 */
function picward_blob_is_good( array $entry ): bool {
	try {
		return picward_blob_hash( $entry['blob'] ) === $entry['sha256'];
	} catch ( RuntimeException $error ) {
		return false;
	}
}

/**
 * Remove a file whatever others say: one that only we made, or one whose bytes are in the quarantine and must not stay public.
 *
 * Not wp_delete_file(): translation plugins filter it to keep files that several attachments share.
 *
 * @param string $path File.
 */
function picward_unlink( string $path ): void {
	unlink( $path ); // phpcs:ignore WordPress.WP.AlternativeFunctions -- see above.
	clearstatcache( true, $path );
}

/**
 * Remove a quarantined file.
 *
 * @param string $name Its name.
 */
function picward_drop_blob( string $name ): void {
	$path = picward_blob_path( $name );
	if ( is_file( $path ) ) {
		picward_unlink( $path );
	}
}

/**
 * Remove quarantined files, but for those that a journal still names.
 *
 * @param string[] $names Their names.
 */
function picward_drop_blobs( array $names ): void {
	global $wpdb;
	foreach ( array_chunk( array_unique( $names ), 50 ) as $some ) {
		$marks = implode( ' OR ', array_fill( 0, count( $some ), 'meta_value LIKE %s' ) );
		$likes = array_map(
			function ( $name ) use ( $wpdb ) {
				return '%"' . $wpdb->esc_like( $name ) . '"%';
			},
			$some
		);
		// phpcs:ignore WordPress.DB -- $marks holds placeholders only; the journals are as many as there are hidden pictures.
		$used = implode( '', $wpdb->get_col( $wpdb->prepare( "SELECT meta_value FROM {$wpdb->postmeta} WHERE meta_key = '_picward_journal' AND ( $marks )", $likes ) ) );
		foreach ( '' === $wpdb->last_error ? $some : array() as $name ) {
			if ( false === strpos( $used, '"' . $name . '"' ) ) {
				picward_drop_blob( $name );
			}
		}
	}
}

/**
 * Hold other processes off an attachment's files. The lock vanishes with the process that has it, even when that is killed.
 *
 * @param int  $id     Attachment; those whose files could be confused, or that share them, share the lock.
 * @param bool $shared For reading only.
 * @param bool $wait   Wait for it. Who has a lock already must not wait for another one.
 * @return resource|null Keep it as long as the lock is needed; hand it to picward_unlock(). Null when this process has it already.
 * @throws RuntimeException When the quarantine cannot be used, or when others have the lock and it is not waited for.
 */
function picward_lock( int $id, bool $shared = false, bool $wait = true ) {
	$held   = &picward_held_locks();
	$file   = picward_relative( (string) get_post_meta( $id, '_wp_attached_file', true ) );
	$number = crc32( dirname( $file ) . '/' . picward_root( wp_basename( $file ) ) ) % 64;
	$path   = picward_quarantine_dir() . '/lock-' . $number;
	if ( isset( $held[ $path ] ) ) {
		return null;
	}
	$lock = picward_prepare_quarantine() ? fopen( $path, 'cb' ) : false;
	if ( ! $lock ) {
		/* translators: %s: path. */
		throw new RuntimeException( sprintf( __( 'The quarantine folder %s is not writable.', 'picward' ), picward_quarantine_dir() ) );
	}
	if ( ! flock( $lock, ( $shared ? LOCK_SH : LOCK_EX ) | ( $wait ? 0 : LOCK_NB ) ) ) {
		fclose( $lock );
		throw new RuntimeException( __( 'Another process is busy with a picture that shares files with this one; it will be tried again.', 'picward' ) );
	}
	$held[ $path ] = $lock;
	return $lock;
}

/**
 * Hold the locks of this process, by their paths.
 */
function &picward_held_locks(): array {
	static $held = array();
	return $held;
}

/**
 * Let others at the attachment again.
 *
 * @param resource|null $lock What picward_lock() gave.
 */
function picward_unlock( $lock ): void {
	if ( $lock ) {
		$held = &picward_held_locks();
		unset( $held[ array_search( $lock, $held, true ) ] );
		flock( $lock, LOCK_UN );
		fclose( $lock );
	}
}

/**
 * Remove quarantined files that nobody needs: a process died between two steps. Give how many were removed.
 *
 * A copy goes only when the very same bytes are public again, or when its attachment was deleted a month ago: after the database
 * was put back from a backup a copy that no journal knows may be the only one.
 */
function picward_sweep_quarantine(): int {
	global $wpdb;
	$removed = 0;
	$used    = array();
	// phpcs:ignore WordPress.DB -- no function reads one meta key of all posts.
	foreach ( $wpdb->get_col( "SELECT meta_value FROM {$wpdb->postmeta} WHERE meta_key = '_picward_journal'" ) as $stored ) {
		preg_match_all( '/"([0-9a-f]{32})"/', (string) $stored, $names );
		$used += array_flip( $names[1] );
	}
	foreach ( (array) glob( picward_quarantine_dir() . '/??/*.bin' ) as $path ) {
		$name = basename( (string) $path, '.bin' );
		$age  = time() - (int) filemtime( $path );
		if ( isset( $used[ $name ] ) || $age < HOUR_IN_SECONDS ) {
			continue;
		}
		try {
			$about = picward_unseal( $path, picward_quarantine_key() )->current();
		} catch ( RuntimeException $error ) {
			continue;
		}
		$public = isset( $about['file'], $about['sha256'] ) && picward_hash( picward_absolute( $about['file'] ) ) === $about['sha256'];
		$gone   = isset( $about['attachment'] ) && ! get_post( (int) $about['attachment'] ) && $age > 30 * DAY_IN_SECONDS;
		if ( $public || $gone ) {
			picward_drop_blob( $name );
			++$removed;
		}
	}
	return $removed;
}

/**
 * Delete the quarantine of this site with all that is in it.
 */
function picward_delete_quarantine(): void {
	$dir = picward_quarantine_dir();
	foreach ( (array) glob( $dir . '/incoming/*', GLOB_ONLYDIR ) as $upload ) {
		picward_drop_upload( (string) $upload, '' );
	}
	foreach ( array_merge( (array) glob( $dir . '/??/*.bin' ), (array) glob( $dir . '/lock-*' ), array( $dir . '/index.php', $dir . '/.htaccess' ) ) as $path ) {
		if ( is_file( (string) $path ) ) {
			wp_delete_file( (string) $path );
		}
	}
	foreach ( array_merge( (array) glob( $dir . '/??', GLOB_ONLYDIR ), array( $dir . '/incoming', $dir ) ) as $folder ) {
		@rmdir( (string) $folder ); // phpcs:ignore -- what is not empty is not ours.
	}
}
