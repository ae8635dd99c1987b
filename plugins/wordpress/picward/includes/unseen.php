<?php
/**
 * What Picward does not look at: files of the media library that are no pictures, and pictures whose file is not on this machine.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Count what is not looked at: video, audio, documents (PDF among them), other, and missing, pictures without a file here.
 *
 * @return int[] Only what there is.
 */
function picward_unseen(): array {
	global $wpdb;
	$known = get_transient( 'picward_unseen' );
	if ( is_array( $known ) ) {
		return $known;
	}
	$counts = array();
	// phpcs:ignore WordPress.DB -- wp_count_attachments() counts by each of dozens of types.
	foreach ( (array) $wpdb->get_results( "SELECT SUBSTRING_INDEX( post_mime_type, '/', 1 ) AS kind, COUNT(*) AS files FROM {$wpdb->posts} WHERE post_type = 'attachment' AND post_mime_type NOT LIKE 'image/%' GROUP BY kind" ) as $row ) {
		$kind            = array( 'video' => 'video', 'audio' => 'audio', 'application' => 'document', 'text' => 'document' )[ $row->kind ] ?? 'other';
		$counts[ $kind ] = ( $counts[ $kind ] ?? 0 ) + (int) $row->files;
	}
	$missing = (int) $wpdb->get_var( "SELECT COUNT(*) FROM {$wpdb->postmeta} WHERE meta_key = '_picward_missing'" ); // phpcs:ignore WordPress.DB -- a count by an indexed key.
	if ( $missing ) {
		$counts['missing'] = $missing;
	}
	set_transient( 'picward_unseen', $counts, HOUR_IN_SECONDS );
	return $counts;
}

/**
 * Note that a picture has no file here, or has one again.
 *
 * @param int  $id      Attachment.
 * @param bool $missing Whether it has none.
 */
function picward_note_missing( int $id, bool $missing ): void {
	if ( $missing ) {
		update_post_meta( $id, '_picward_missing', 1 );
	} else {
		delete_post_meta( $id, '_picward_missing' );
	}
}

/**
 * Say what is not looked at, a phrase each.
 *
 * @return string[]
 */
function picward_unseen_texts(): array {
	$texts = array();
	foreach ( picward_unseen() as $kind => $count ) {
		$names = array(
			/* translators: %s: number of files. */
			'video'    => _n( '%s video', '%s videos', $count, 'picward' ),
			/* translators: %s: number of files. */
			'audio'    => _n( '%s audio file; a cover that WordPress takes out of one is a picture of its own, and is looked at', '%s audio files; a cover that WordPress takes out of one is a picture of its own, and is looked at', $count, 'picward' ),
			/* translators: %s: number of files. */
			'document' => _n( '%s document, such as a PDF, with its preview', '%s documents, such as PDFs, with their previews', $count, 'picward' ),
			/* translators: %s: number of files. */
			'other'    => _n( '%s file of another kind', '%s files of other kinds', $count, 'picward' ),
			/* translators: %s: number of pictures. */
			'missing'  => _n( '%s picture whose file is not on this machine', '%s pictures whose files are not on this machine', $count, 'picward' ),
		);
		$texts[] = sprintf( $names[ $kind ], number_format_i18n( $count ) );
	}
	return $texts;
}
