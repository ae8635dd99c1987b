<?php
/**
 * Placeholders: a neutral card of the same pixel size and format, drawn without ever decoding the picture.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/** Our own number for SVG, beside PHP's IMAGETYPE_ constants. */
const PICWARD_SVG = -1;

/**
 * Give width, height and type of a file from its header; 0, 0, 0 when no placeholder can be drawn for it.
 *
 * @param string $path File.
 */
function picward_card_size( string $path ): array {
	if ( 'svg' === strtolower( (string) pathinfo( $path, PATHINFO_EXTENSION ) ) ) {
		return array( 0, 0, PICWARD_SVG );
	}
	$size = wp_getimagesize( $path );
	return array( (int) ( $size[0] ?? 0 ), (int) ( $size[1] ?? 0 ), (int) ( $size[2] ?? 0 ) );
}

/**
 * Hash a text; an empty one has an empty hash.
 *
 * @param string $text Bytes.
 */
function picward_hash_text( string $text ): string {
	return '' === $text ? '' : hash( 'sha256', $text );
}

/**
 * Draw a placeholder. Empty when none can be written: the public file must then go.
 *
 * @param int $width  Pixels.
 * @param int $height Pixels.
 * @param int $type   IMAGETYPE_ constant, or PICWARD_SVG.
 */
function picward_draw_card( int $width, int $height, int $type ): string {
	static $cards = array();
	if ( PICWARD_SVG === $type ) {
		return '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 80"><rect width="120" height="80" fill="#e4e6ea"/><path d="M45 40h30" stroke="#9aa1ab" stroke-width="6"/></svg>' . "\n";
	}
	$encoders = array(
		IMAGETYPE_JPEG => 'imagejpeg',
		IMAGETYPE_PNG  => 'imagepng',
		IMAGETYPE_GIF  => 'imagegif',
		IMAGETYPE_BMP  => 'imagebmp',
		IMAGETYPE_WEBP => 'imagewebp',
		19             => 'imageavif', // IMAGETYPE_AVIF, since PHP 8.1.
	);
	$encoder  = $encoders[ $type ] ?? '';
	// GD writes WebP and AVIF from true colour only; a palette needs a quarter of the memory.
	$true_colour = in_array( $encoder, array( 'imagewebp', 'imageavif' ), true );
	$needed      = $width * $height * ( $true_colour ? 4 : 1 ) * 1.2 + 4 * MB_IN_BYTES;
	if ( $width < 1 || $height < 1 || ! function_exists( $encoder ) || ! picward_has_memory( $needed ) || ( $true_colour && $width * $height > 40000000 ) ) {
		return '';
	}
	// A file's card is needed twice, first for its hash and then for the file. A plain card compresses to little.
	$key = "$width $height $type";
	if ( ! isset( $cards[ $key ] ) ) {
		$image = $true_colour ? imagecreatetruecolor( $width, $height ) : imagecreate( $width, $height );
		if ( ! $image ) {
			return '';
		}
		picward_draw_sign( $image, $width, $height );
		ob_start();
		$done          = 'imageavif' === $encoder ? imageavif( $image, null, 40, 10 ) : $encoder( $image );
		$bytes         = (string) ob_get_clean();
		$cards         = array_slice( $cards, -12, null, true );
		$cards[ $key ] = $done ? $bytes : '';
		unset( $image );
	}
	return $cards[ $key ];
}

/**
 * Draw an eye with a stroke through it on a plain ground.
 *
 * @param resource|GdImage $image  Where to draw.
 * @param int              $width  Pixels.
 * @param int              $height Pixels.
 */
function picward_draw_sign( $image, int $width, int $height ): void {
	$back = imagecolorallocate( $image, 228, 230, 234 );
	$line = imagecolorallocate( $image, 154, 161, 171 );
	$unit = (int) ( min( $width, $height ) / 12 );
	$x    = (int) ( $width / 2 );
	$y    = (int) ( $height / 2 );
	imagefilledrectangle( $image, 0, 0, $width - 1, $height - 1, $back );
	if ( $unit < 2 ) {
		return;
	}
	imagefilledellipse( $image, $x, $y, 6 * $unit, 4 * $unit, $line );
	imagefilledellipse( $image, $x, $y, 5 * $unit, 3 * $unit, $back );
	imagefilledellipse( $image, $x, $y, 2 * $unit, 2 * $unit, $line );
	// The stroke is a thin bar inside a broader one in the colour of the ground.
	$bar = max( 1, intdiv( $unit, 4 ) );
	foreach ( array( array( 3 * $bar, $back ), array( $bar, $line ) ) as list( $half, $colour ) ) {
		for ( $shift = -$half; $shift <= $half; $shift++ ) {
			imageline( $image, $x - 3 * $unit + $shift, $y + 2 * $unit + $shift, $x + 3 * $unit + $shift, $y - 2 * $unit + $shift, $colour );
			imageline( $image, $x - 3 * $unit + $shift + 1, $y + 2 * $unit + $shift, $x + 3 * $unit + $shift + 1, $y - 2 * $unit + $shift, $colour );
		}
	}
}

/**
 * Say whether so much memory can still be had.
 *
 * @param float $bytes Needed.
 */
function picward_has_memory( float $bytes ): bool {
	wp_raise_memory_limit( 'image' );
	$limit = wp_convert_hr_to_bytes( (string) ini_get( 'memory_limit' ) );
	return $limit <= 0 || memory_get_usage() + $bytes < $limit;
}
