<?php
/**
 * Encrypted containers for originals: chunked, authenticated, with a description inside.
 *
 * Layout: "PWQ1", one byte for the cipher (S sodium secretstream, G OpenSSL AES-256-GCM, P plain), the first eight bytes of the
 * key's hash, 24 bytes of nonce, then messages, each behind its length in four bytes. The first message is JSON that describes the
 * file, so that a lost journal can be written anew; the last one is marked as last, so that a cut container is noticed.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

const PICWARD_CHUNK = 262144;

/**
 * Name the cipher this server can run: sodium, openssl or none.
 *
 * WordPress' own sodium in PHP is not counted: it takes 13 seconds for a megabyte.
 */
function picward_cipher(): string {
	if ( extension_loaded( 'sodium' ) && function_exists( 'sodium_crypto_secretstream_xchacha20poly1305_init_push' ) ) {
		return 'sodium';
	}
	return extension_loaded( 'openssl' ) && in_array( 'aes-256-gcm', openssl_get_cipher_methods(), true ) ? 'openssl' : 'none';
}

/**
 * Give the key of the quarantine, making it first if there is none.
 *
 * It is an option of its own and not derived from wp-config's salts: turning those would lose every original.
 */
function picward_quarantine_key(): string {
	global $wpdb;
	$stored = get_option( 'picward_quarantine_key' );
	if ( ! is_string( $stored ) || '' === $stored ) {
		// Not add_option(): two processes that start together would overwrite each other's key. The first row wins here.
		$fresh = base64_encode( random_bytes( 32 ) ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_encode -- bytes as text.
		// phpcs:disable WordPress.DB -- see above.
		$wpdb->query( $wpdb->prepare( "INSERT IGNORE INTO {$wpdb->options} (option_name, option_value, autoload) VALUES ('picward_quarantine_key', %s, 'no')", $fresh ) );
		$stored = (string) $wpdb->get_var( "SELECT option_value FROM {$wpdb->options} WHERE option_name = 'picward_quarantine_key'" );
		// phpcs:enable
		wp_cache_delete( 'picward_quarantine_key', 'options' );
		wp_cache_delete( 'notoptions', 'options' );
	}
	$key = (string) base64_decode( $stored, true ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_decode -- bytes as text.
	if ( 32 !== strlen( $key ) ) {
		throw new RuntimeException( __( 'The key of the quarantine is missing or damaged (option picward_quarantine_key).', 'picward' ) );
	}
	return $key;
}

/**
 * Encrypt a file into a container. The container is complete on the disk when this returns.
 *
 * @param string $source Readable file.
 * @param string $target New file.
 * @param array  $about  Description to put inside.
 * @param string $key    32 bytes.
 * @throws RuntimeException When something cannot be read or written.
 */
function picward_seal( string $source, string $target, array $about, string $key ): void {
	$in  = fopen( $source, 'rb' );
	$out = fopen( $target, 'xb' );
	if ( ! $in || ! $out ) {
		/* translators: %s: path. */
		throw new RuntimeException( sprintf( __( 'Cannot write to the quarantine: %s', 'picward' ), $in ? $target : $source ) );
	}
	$cipher = picward_cipher();
	if ( 'sodium' === $cipher ) {
		list( $state, $nonce ) = sodium_crypto_secretstream_xchacha20poly1305_init_push( $key );
		$seal                  = function ( $text, $last ) use ( &$state ) {
			return sodium_crypto_secretstream_xchacha20poly1305_push( $state, $text, '', $last ? SODIUM_CRYPTO_SECRETSTREAM_XCHACHA20POLY1305_TAG_FINAL : 0 );
		};
	} else {
		$nonce = random_bytes( 24 );
		$seal  = picward_counting_cipher( $cipher, $key, $nonce, true );
	}
	$marks = array(
		'sodium'  => 'S',
		'openssl' => 'G',
		'none'    => 'P',
	);
	picward_write( $out, 'PWQ1' . $marks[ $cipher ] . substr( hash( 'sha256', $key, true ), 0, 8 ) . $nonce, $target );
	$message = (string) wp_json_encode( $about );
	do {
		$next   = (string) fread( $in, PICWARD_CHUNK );
		$last   = '' === $next;
		$sealed = $seal( $message, $last );
		picward_write( $out, pack( 'N', strlen( $sealed ) ) . $sealed, $target );
		$message = $next;
	} while ( ! $last );
	fclose( $in );
	// The public file is replaced next; from then on this is the only copy.
	$done = fflush( $out ) && ( ! function_exists( 'fsync' ) || fsync( $out ) );
	if ( ! fclose( $out ) || ! $done ) {
		/* translators: %s: path. */
		throw new RuntimeException( sprintf( __( 'Cannot write to the quarantine: %s', 'picward' ), $target ) );
	}
}

/**
 * Read a container: give its description first, then the file's bytes piece by piece.
 *
 * @param string $path Container.
 * @param string $key  32 bytes.
 * @throws RuntimeException When it is damaged, cut or of another key.
 */
function picward_unseal( string $path, string $key ): Generator {
	$in   = is_file( $path ) ? fopen( $path, 'rb' ) : false;
	$head = $in ? (string) fread( $in, 37 ) : '';
	if ( 37 !== strlen( $head ) || 0 !== strpos( $head, 'PWQ1' ) ) {
		/* translators: %s: file name. */
		throw new RuntimeException( sprintf( __( 'The quarantine has no readable file %s.', 'picward' ), basename( $path ) ) );
	}
	if ( ! hash_equals( substr( hash( 'sha256', $key, true ), 0, 8 ), substr( $head, 5, 8 ) ) ) {
		throw new RuntimeException( __( 'The quarantine was written with another key than the one in the database (option picward_quarantine_key).', 'picward' ) );
	}
	$nonce = substr( $head, 13 );
	if ( 'S' === $head[4] ) {
		$state  = sodium_crypto_secretstream_xchacha20poly1305_init_pull( $nonce, $key );
		$unseal = function ( $sealed ) use ( &$state ) {
			$pulled = sodium_crypto_secretstream_xchacha20poly1305_pull( $state, $sealed );
			return is_array( $pulled ) ? array( $pulled[0], SODIUM_CRYPTO_SECRETSTREAM_XCHACHA20POLY1305_TAG_FINAL === $pulled[1] ) : false;
		};
	} else {
		$unseal = picward_counting_cipher( 'G' === $head[4] ? 'openssl' : 'none', $key, $nonce, false );
	}
	$first = true;
	do {
		$length = (string) fread( $in, 4 );
		$size   = 4 === strlen( $length ) ? unpack( 'N', $length )[1] : 0;
		$sealed = $size > 0 && $size <= 2 * PICWARD_CHUNK ? (string) stream_get_contents( $in, $size ) : '';
		$opened = strlen( $sealed ) === $size && $size > 0 ? $unseal( $sealed ) : false;
		if ( false === $opened ) {
			fclose( $in );
			/* translators: %s: file name. */
			throw new RuntimeException( sprintf( __( 'The quarantined file %s is damaged.', 'picward' ), basename( $path ) ) );
		}
		yield $first ? (array) json_decode( $opened[0], true ) : $opened[0];
		$first = false;
	} while ( ! $opened[1] );
	fclose( $in );
}

/**
 * Make a function that seals or unseals message after message, counting them: AES-256-GCM, or nothing but the framing.
 *
 * @param string $cipher openssl or none.
 * @param string $key    32 bytes.
 * @param string $nonce  24 bytes; each message adds its number.
 * @param bool   $seal   Seal, or unseal.
 */
function picward_counting_cipher( string $cipher, string $key, string $nonce, bool $seal ): callable {
	$number = 0;
	// A key of its own for each container: the 12 bytes that GCM has for a nonce are too few to be drawn at random for ever.
	$key = hash_hmac( 'sha256', $nonce, $key, true );
	if ( $seal ) {
		return function ( $text, $last ) use ( &$number, $cipher, $key ) {
			$mark = $last ? "\1" : "\0";
			if ( 'none' === $cipher ) {
				return $mark . $text;
			}
			$tag  = '';
			$text = openssl_encrypt( $text, 'aes-256-gcm', $key, OPENSSL_RAW_DATA, str_pad( pack( 'N', $number++ ), 12, "\0", STR_PAD_LEFT ), $tag, $mark );
			return $mark . $tag . $text;
		};
	}
	return function ( $sealed ) use ( &$number, $cipher, $key ) {
		$mark = $sealed[0];
		if ( 'none' === $cipher ) {
			return array( substr( $sealed, 1 ), "\1" === $mark );
		}
		$text = openssl_decrypt( substr( $sealed, 17 ), 'aes-256-gcm', $key, OPENSSL_RAW_DATA, str_pad( pack( 'N', $number++ ), 12, "\0", STR_PAD_LEFT ), substr( $sealed, 1, 16 ), $mark );
		return false === $text ? false : array( $text, "\1" === $mark );
	};
}

/**
 * Write all of it or throw: a full disk makes fwrite() write less and go on.
 *
 * @param resource $out  Open file.
 * @param string   $data Bytes.
 * @param string   $path For the message.
 * @throws RuntimeException When not everything was written.
 */
function picward_write( $out, string $data, string $path ): void {
	if ( strlen( $data ) !== fwrite( $out, $data ) ) {
		/* translators: %s: path. */
		throw new RuntimeException( sprintf( __( 'Cannot write %s: is the disk full?', 'picward' ), $path ) );
	}
}
