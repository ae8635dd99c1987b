<?php
/**
 * Previews of hidden pictures for those who review them: blurred on the server, clear only when asked for.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Give the address of a preview.
 *
 * @param int  $id    Attachment.
 * @param bool $clear Not blurred.
 */
function picward_preview_url( int $id, bool $clear ): string {
	$arguments = array(
		'action' => 'picward_preview',
		'id'     => $id,
		'clear'  => $clear ? 1 : 0,
	);
	return wp_nonce_url( add_query_arg( $arguments, admin_url( 'admin-post.php' ) ), 'picward_preview_' . $id );
}

/**
 * Print a blurred preview that leads to the clear one.
 *
 * @param int $id Attachment.
 */
function picward_preview_link( int $id ): string {
	if ( picward_verdict( $id )['rights']['restricted'] ?? false ) {
		return '<p>' . esc_html__( 'Restricted: it is shown to nobody here.', 'picward' ) . '</p>';
	}
	return sprintf(
		'<a class="picward-preview" href="%1$s" data-alt="%2$s" target="_blank" rel="noopener"><img src="%3$s" alt="" loading="lazy"><span>%4$s</span></a>',
		esc_url( picward_preview_url( $id, true ) ),
		esc_attr( get_the_title( $id ) ),
		esc_url( picward_preview_url( $id, false ) ),
		esc_html__( 'Show', 'picward' )
	);
}

/**
 * Send a preview.
 */
function picward_handle_preview(): void {
	$id = isset( $_GET['id'] ) ? absint( $_GET['id'] ) : 0;
	if ( ! current_user_can( 'picward_review_media' ) || ! isset( $_GET['_wpnonce'] ) || ! wp_verify_nonce( sanitize_key( $_GET['_wpnonce'] ), 'picward_preview_' . $id ) || ! picward_is_picture( $id ) ) {
		wp_die( esc_html__( 'You are not allowed to see this.', 'picward' ), '', array( 'response' => 403 ) );
	}
	if ( picward_rights( $id )['restricted'] ) {
		wp_die( esc_html__( 'Restricted: it is shown to nobody here.', 'picward' ), '', array( 'response' => 403 ) );
	}
	nocache_headers();
	header( 'Cache-Control: no-store, private' );
	header( 'X-Content-Type-Options: nosniff' );
	header( "Content-Security-Policy: default-src 'none'; sandbox" );
	$bytes = picward_preview_source( $id );
	$card  = picward_draw_card( 240, 180, IMAGETYPE_PNG );
	if ( ! empty( $_GET['clear'] ) ) {
		$size = '' === $bytes ? false : getimagesizefromstring( $bytes );
		// Only what is a bitmap: an SVG could run scripts.
		header( 'Content-Type: ' . ( $size ? $size['mime'] : 'image/png' ) );
		echo $size ? $bytes : $card; // phpcs:ignore WordPress.Security.EscapeOutput -- a picture.
		exit;
	}
	$blurred = picward_blur( $bytes );
	header( 'Content-Type: ' . ( '' === $blurred ? 'image/png' : 'image/jpeg' ) );
	echo '' === $blurred ? $card : $blurred; // phpcs:ignore WordPress.Security.EscapeOutput -- a picture.
	exit;
}
add_action( 'admin_post_picward_preview', 'picward_handle_preview' );

/**
 * Give the bytes of the file that suits a preview best: the smallest that is at least 300 pixels wide, else the biggest.
 *
 * @param int $id Attachment.
 */
function picward_preview_source( int $id ): string {
	$choices = array();
	$journal = picward_journal( $id )['files'];
	if ( '' !== picward_hidden( $id ) ) {
		foreach ( $journal as $entry ) {
			$choices[] = array( $entry['width'], $entry['blob'], '' );
		}
	} else {
		try {
			foreach ( picward_attachment_files( $id ) as $path ) {
				$choices[] = array( picward_card_size( $path )[0], '', $path );
			}
		} catch ( RuntimeException $error ) {
			return '';
		}
	}
	usort(
		$choices,
		function ( $one, $other ) {
			$enough = ( $other[0] >= 300 ) <=> ( $one[0] >= 300 );
			return 0 !== $enough ? $enough : ( $one[0] >= 300 ? $one[0] <=> $other[0] : $other[0] <=> $one[0] );
		}
	);
	foreach ( array_slice( $choices, 0, 1 ) as list( , $blob, $path ) ) {
		try {
			return '' === $blob ? (string) file_get_contents( $path ) : implode( '', iterator_to_array( picward_blob_pieces( $blob ), false ) );
		} catch ( RuntimeException $error ) {
			return '';
		}
	}
	return '';
}

/**
 * Shrink a picture to a few pixels and enlarge it again. Empty when it cannot be read.
 *
 * @param string $bytes Picture.
 */
function picward_blur( string $bytes ): string {
	$size = '' === $bytes || ! function_exists( 'imagecreatefromstring' ) ? false : getimagesizefromstring( $bytes );
	if ( ! $size || ! picward_has_memory( $size[0] * $size[1] * 5 + 8 * MB_IN_BYTES ) ) {
		return '';
	}
	$image = @imagecreatefromstring( $bytes ); // phpcs:ignore WordPress.PHP.NoSilencedErrors -- GD warns about pictures it cannot read.
	if ( ! $image ) {
		return '';
	}
	$few = imagecreatetruecolor( 12, 9 );
	imagecopyresampled( $few, $image, 0, 0, 0, 0, 12, 9, $size[0], $size[1] );
	$many = imagescale( $few, 240, 180, IMG_BILINEAR_FIXED );
	if ( ! $many ) {
		return '';
	}
	imagefilter( $many, IMG_FILTER_GAUSSIAN_BLUR );
	ob_start();
	imagejpeg( $many, null, 70 );
	return (string) ob_get_clean();
}
