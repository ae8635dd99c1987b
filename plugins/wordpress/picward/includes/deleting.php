<?php
/**
 * When an attachment is deleted: what only it had goes, out of the quarantine, too; what another one has stays, hidden if it was.
 *
 * WordPress itself deletes every file that the attachment names, also when others name it. It asks the filter wp_delete_file before
 * each; translation plugins answer there, for the main file and its sizes, and so does this plugin for whatever another names.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Hold the attachments that are being deleted: id → files and superseded that go with it.
 */
function &picward_deletions(): array {
	static $deletions = array();
	return $deletions;
}

/**
 * Prepare a deletion while the attachment's meta is still there. It does not take place when nobody can tell what others have a share in.
 *
 * @param mixed   $check What another filter decided; null to go on.
 * @param WP_Post $post  Attachment.
 * @return mixed
 */
function picward_before_delete( $check, $post ) {
	if ( null !== $check ) {
		return $check;
	}
	try {
		$deletions              = &picward_deletions();
		$deletions[ $post->ID ] = picward_pass_on( $post->ID );
	} catch ( RuntimeException $error ) {
		picward_remember( $post->ID, 'Picward', $error->getMessage() );
		return false;
	}
	return null;
}
add_filter( 'pre_delete_attachment', 'picward_before_delete', PHP_INT_MAX, 2 );

/**
 * Report that a picture is being deleted.
 *
 * @param int $id Attachment.
 */
function picward_on_delete( $id ): void {
	global $wpdb;
	$id = (int) $id;
	if ( ! picward_is_picture( $id ) ) {
		return;
	}
	picward_release_parents( $id );
	if ( picward_is_paired() ) {
		// An upload that was never reported needs no report any more.
		$wpdb->delete( // phpcs:ignore WordPress.DB -- own table.
			picward_table( 'outbox' ),
			array(
				'attachment_id' => $id,
				'event_type'    => 'media.uploaded',
			)
		);
		picward_enqueue( picward_new_id( 'del' ), 'media.deleted', $id, array( 'media_id' => (string) $id ) );
		picward_kick();
	}
}
add_action( 'delete_attachment', 'picward_on_delete' );

/**
 * Hand what others have a share in to them, with the block: nothing becomes public because a copy of it was deleted. Give what goes.
 *
 * @param int $id Attachment that is being deleted.
 * @return array files and superseded.
 * @throws RuntimeException When the database does not answer, or another process is busy with one of the others.
 */
function picward_pass_on( int $id ): array {
	$gone  = array(
		'files'      => array(),
		'superseded' => array(),
	);
	$owner = picward_owner( $id );
	if ( ! picward_journal( $owner )['files'] && ! picward_journal( $owner )['superseded'] ) {
		return $gone;
	}
	$lock = picward_lock( $id );
	try {
		picward_forget_cached_meta( $owner );
		$twins   = picward_twins( $id );
		$heirs   = array_values( array_diff( $twins, array( $id ) ) );
		$journal = picward_settle( $owner, picward_journal( $owner ) );
		foreach ( $journal['files'] as $relative => $entry ) {
			$owners = picward_heirs_of( (string) $relative, $id );
			if ( ! $owners ) {
				$gone['files'][ $relative ] = $entry;
			} elseif ( ! array_intersect( $owners, $heirs ) ) {
				picward_entrust( $owners[0], array( $relative => $entry ) );
				/* translators: 1: file name, 2: number of another picture. */
				picward_remember( $owners[0], 'Picward', sprintf( __( '%1$s was hidden with picture %2$d, which is deleted now. It stays hidden, and comes back when this picture is approved.', 'picward' ), wp_basename( (string) $relative ), $id ) );
			}
		}
		if ( $heirs ) {
			picward_inherit( $id, $owner, $heirs, $journal );
		} else {
			$gone['superseded'] = $journal['superseded'];
		}
	} finally {
		picward_unlock( $lock );
	}
	return $gone;
}

/**
 * Give the attachments that a file belongs to when one is gone. What was its alone goes with it, unless another names it.
 *
 * @param string $relative Path below uploads.
 * @param int    $id       Attachment that is being deleted.
 * @return int[]
 */
function picward_heirs_of( string $relative, int $id ): array {
	return array( $id ) === picward_owners( $relative ) ? picward_best_claims( picward_namers( $relative ), array( $id ) ) : picward_owners( $relative, array( $id ) );
}

/**
 * Give journal and block to those that share the file.
 *
 * @param int   $id      Attachment that is being deleted.
 * @param int   $owner   Attachment that keeps the journal.
 * @param int[] $heirs   Those that stay.
 * @param array $journal The journal.
 */
function picward_inherit( int $id, int $owner, array $heirs, array $journal ): void {
	if ( $owner === $id ) {
		picward_save_journal( $heirs[0], $journal );
		picward_point_to( $heirs[0], $heirs );
	}
	$blocks = picward_blocks( array_merge( $heirs, array( $id ) ) );
	if ( array_keys( $blocks ) === array( $id ) ) {
		picward_store_blocks( $heirs, array_fill_keys( $heirs, $blocks[ $id ] ) );
		foreach ( $heirs as $heir ) {
			picward_set_verdict( $heir, picward_verdict( $id ) );
			picward_set_status( $heir, picward_status( $id ) );
		}
	}
}

/**
 * Keep a file of a deleted attachment that another one names.
 *
 * @param string $file Path, or empty when another filter keeps it.
 */
function picward_keep_named_files( $file ): string {
	$file      = (string) $file;
	$deletions = picward_deletions();
	if ( '' === $file || ! $deletions ) {
		return $file;
	}
	try {
		return array_diff_key( picward_namers( picward_relative( $file ) ), $deletions ) ? '' : $file;
	} catch ( RuntimeException $error ) {
		return '';
	}
}
add_filter( 'wp_delete_file', 'picward_keep_named_files', 1000 );

/**
 * Purge the quarantine after WordPress deleted the attachment, and the placeholders of files that WordPress does not know.
 *
 * @param int $id Post.
 */
function picward_on_deleted( $id ): void {
	$gone = picward_deletions()[ (int) $id ] ?? array();
	if ( ! $gone || ( ! $gone['files'] && ! $gone['superseded'] ) ) {
		return;
	}
	foreach ( $gone['files'] as $relative => $entry ) {
		$path = picward_absolute( (string) $relative );
		if ( '' !== $entry['placeholder'] && picward_hash( $path ) === $entry['placeholder'] ) {
			wp_delete_file( $path );
		}
	}
	foreach ( picward_held_elsewhere( 0, array_map( 'strval', array_keys( $gone['files'] ) ) ) as $relative => list( $keeper ) ) {
		picward_strike( $keeper, array( $relative => true ) );
	}
	picward_drop_blobs( array_merge( array_column( $gone['files'], 'blob' ), $gone['superseded'] ) );
	delete_transient( 'picward_waiting' );
	picward_remember( (int) $id, 'Picward', __( 'Deleted, and removed from the quarantine.', 'picward' ) );
}
add_action( 'deleted_post', 'picward_on_deleted' );

/**
 * Take entries out of the journal of those that shared the file.
 *
 * @param int   $owner Attachment.
 * @param array $files By path.
 */
function picward_strike( int $owner, array $files ): void {
	$journal          = picward_journal( $owner );
	$journal['files'] = array_diff_key( $journal['files'], $files );
	try {
		picward_save_journal( $owner, $journal );
	} catch ( RuntimeException $error ) {
		picward_remember( $owner, 'Picward', $error->getMessage() );
	}
}

/**
 * Forget a deletion: WordPress has deleted the files when it cleans the cache of the post that is gone.
 *
 * @param int $id Post.
 */
function picward_deletion_is_over( $id ): void {
	$deletions = &picward_deletions();
	if ( isset( $deletions[ (int) $id ] ) && ! get_post( (int) $id ) ) {
		unset( $deletions[ (int) $id ] );
	}
}
add_action( 'clean_post_cache', 'picward_deletion_is_over' );
