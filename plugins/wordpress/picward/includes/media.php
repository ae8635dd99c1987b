<?php
/**
 * What an attachment is: its main original, the fingerprint of its bytes, and its description for the connector.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Say whether an attachment is a picture that Picward looks after.
 *
 * SVG and formats that WordPress itself cannot scale are included: the connector puts what it cannot read before a person.
 *
 * @param int $id Attachment.
 */
function picward_is_picture( int $id ): bool {
	$post = get_post( $id );
	return $post && 'attachment' === $post->post_type && 0 === strpos( (string) $post->post_mime_type, 'image/' );
}

/**
 * Give the folder of uploads of this site of the network, without a slash at its end.
 */
function picward_uploads(): string {
	return untrailingslashit( wp_normalize_path( wp_get_upload_dir()['basedir'] ) );
}

/**
 * Shorten a path to what follows the folder of uploads, so that a moved site still finds its files.
 *
 * @param string $path Absolute path.
 */
function picward_relative( string $path ): string {
	$path = wp_normalize_path( $path );
	$base = picward_uploads() . '/';
	return 0 === strpos( $path, $base ) ? substr( $path, strlen( $base ) ) : $path;
}

/**
 * Undo picward_relative().
 *
 * @param string $relative Path below the folder of uploads, or an absolute one.
 */
function picward_absolute( string $relative ): string {
	return path_is_absolute( $relative ) ? $relative : picward_uploads() . '/' . $relative;
}

/**
 * Give the path of the main original: what the author uploaded, not the “-scaled” copy that WordPress shows. An edit in WordPress is a picture
 * of its own, whatever it was cut from. Empty when none is known.
 *
 * @param int $id Attachment.
 */
function picward_main_file( int $id ): string {
	$attached = get_attached_file( $id, true );
	$original = wp_get_original_image_path( $id, true );
	$shown    = picward_stem( wp_basename( (string) $attached ) );
	$source   = picward_stem( wp_basename( (string) $original ) );
	$hidden   = picward_journal( $id )['files'];
	foreach ( in_array( $shown, array( $source, "$source-scaled", "$source-rotated" ), true ) ? array( $original, $attached ) : array( $attached, $original ) as $path ) {
		// A format without a placeholder leaves no file behind while it is hidden, but the journal knows it.
		if ( $path && ( is_file( $path ) || isset( $hidden[ picward_relative( $path ) ] ) ) ) {
			return wp_normalize_path( $path );
		}
	}
	return '';
}

/**
 * Hash a file. Empty when it cannot be read.
 *
 * @param string $path Absolute path.
 */
function picward_hash( string $path ): string {
	clearstatcache( true, $path );
	return is_file( $path ) ? (string) hash_file( 'sha256', $path ) : '';
}

/**
 * Give path, sha256, size and pixel size of the original bytes, also while a placeholder stands in their place. Empty when they are gone.
 *
 * @param int  $id    Attachment.
 * @param bool $fresh Read the file even when its time and size say that nothing changed.
 */
function picward_original( int $id, bool $fresh = false ): array {
	$path = picward_main_file( $id );
	if ( '' === $path ) {
		return array();
	}
	$relative = picward_relative( $path );
	$hidden   = picward_hidden_original( $path, picward_journal( $id )['files'][ $relative ] ?? null );
	if ( $hidden ) {
		return $hidden;
	}
	clearstatcache( true, $path );
	$stamp   = filesize( $path ) . '|' . filemtime( $path ) . '|' . $relative;
	$known   = explode( '|', (string) get_post_meta( $id, '_picward_sha256', true ), 2 );
	$changed = ! isset( $known[1] ) || $known[1] !== $stamp;
	$hash    = $fresh || $changed ? picward_hash( $path ) : $known[0];
	if ( '' === $hash ) {
		return array();
	}
	// A crop of a big picture has the uncropped one as its original, which may be hidden with the attachment that it belongs to.
	$hidden = $changed ? picward_hidden_original( $path, picward_held_elsewhere( $id, array( $relative ) )[ $relative ][1] ?? null ) : array();
	if ( $hidden ) {
		return $hidden;
	}
	if ( $known[0] . '|' . ( $known[1] ?? '' ) !== $hash . '|' . $stamp ) {
		update_post_meta( $id, '_picward_sha256', wp_slash( $hash . '|' . $stamp ) );
	}
	$size = wp_getimagesize( $path );
	return array(
		'path'   => $path,
		'sha256' => $hash,
		'bytes'  => (int) filesize( $path ),
		'width'  => (int) ( $size[0] ?? 0 ),
		'height' => (int) ( $size[1] ?? 0 ),
		'blob'   => '',
	);
}

/**
 * Give the original behind a placeholder as picward_original() does. Empty when something else lies there.
 *
 * @param string     $path  File.
 * @param array|null $entry Its entry in a journal.
 */
function picward_hidden_original( string $path, ?array $entry ): array {
	$now = $entry ? picward_hash( $path ) : '';
	return $entry && ( '' === $now || $now === $entry['placeholder'] || $now === $entry['sha256'] ) ? array(
		'path'   => $path,
		'sha256' => $entry['sha256'],
		'bytes'  => (int) $entry['size'],
		'width'  => (int) $entry['width'],
		'height' => (int) $entry['height'],
		'blob'   => $now === $entry['sha256'] ? '' : $entry['blob'],
	) : array();
}

/**
 * Describe an attachment as the protocol's `media`. Empty when its bytes are gone.
 *
 * @param int $id Attachment.
 */
function picward_describe( int $id ): array {
	$post     = get_post( $id );
	$original = $post ? picward_original( $id ) : array();
	if ( ! $original ) {
		return array();
	}
	$author = get_userdata( (int) $post->post_author );
	$url    = wp_get_original_image_url( $id );
	return array(
		'id'      => (string) $id,
		'sha256'  => $original['sha256'],
		'file'    => picward_relative( $original['path'] ),
		'url'     => (string) ( $url ? $url : wp_get_attachment_url( $id ) ),
		'mime'    => (string) $post->post_mime_type,
		'bytes'   => $original['bytes'],
		'width'   => $original['width'],
		'height'  => $original['height'],
		'title'   => html_entity_decode( get_the_title( $post ), ENT_QUOTES, 'UTF-8' ),
		'parent'  => picward_describe_parent( (int) $post->post_parent ),
		'author'  => array(
			'id'    => (string) $post->post_author,
			'roles' => $author ? array_values( $author->roles ) : array(),
		),
		'created' => picward_iso( (int) get_post_time( 'U', true, $post ) ),
	);
}

/**
 * Describe the post that a picture belongs to, or give null.
 *
 * @param int $parent_id Post.
 */
function picward_describe_parent( int $parent_id ): ?array {
	$parent = $parent_id ? get_post( $parent_id ) : null;
	return $parent ? array(
		'id'     => (string) $parent->ID,
		'type'   => $parent->post_type,
		'status' => $parent->post_status,
	) : null;
}

/**
 * Write a time as ISO 8601 in UTC.
 *
 * @param int $time Unix seconds.
 */
function picward_iso( int $time ): string {
	return gmdate( 'Y-m-d\TH:i:s\Z', $time );
}

/**
 * Say whether pictures lie on another machine, where nothing can be swapped in place.
 */
function picward_is_offloaded(): bool {
	return false !== strpos( wp_get_upload_dir()['basedir'], '://' ) || class_exists( 'Amazon_S3_And_CloudFront' ) || defined( 'WP_STATELESS_MEDIA_VERSION' );
}
