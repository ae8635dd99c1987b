<?php
/**
 * Do what was drawn at random to pictures, and compare every file after each step with what should be there.
 *
 * Who made a file is known here from watching the folder, never from the plugin. Expects $steps and $prefix; prints the first thing that is wrong, or “held” and
 * how often pictures shared a stem, so that the test can see that there was something to confuse.
 */
require_once ABSPATH . 'wp-admin/includes/image.php';
require_once ABSPATH . 'wp-admin/includes/image-edit.php';

/** A library that is watched. */
final class Owners {
	private $prefix;
	private $dir;
	/** Attachments in the order of their making; null when deleted. */
	private $ids = array();
	/** Path → bytes that it should have while it is public. */
	private $bytes = array();
	/** Path → attachments that it was made for. */
	private $makers = array();
	/** Paths that may be hidden or not: the picture that they were hidden with is deleted. */
	private $open = array();
	private $blocked = array();
	private $before = array();
	private $log = array();
	public $collisions = 0;

	public function __construct( string $prefix ) {
		$this->prefix = $prefix;
		$this->dir    = wp_upload_dir()['path'];
		add_filter( 'big_image_size_threshold', function () { return 500; } );
	}

	public function run( array $steps ): string {
		foreach ( $steps as list( $verb, $which, $how ) ) {
			$living       = array_keys( array_filter( $this->ids ) );
			$this->before = $this->on_disk();
			if ( 'upload' === $verb ) {
				$this->upload( $which, $how );
			} elseif ( $living ) {
				$this->$verb( $living[ $which % count( $living ) ], $how );
			}
			picward_on_shutdown();
			$wrong = $this->wrong();
			if ( '' !== $wrong ) {
				return $wrong . "\n" . implode( "\n", $this->log );
			}
		}
		foreach ( array_keys( array_filter( $this->ids ) ) as $number ) {
			$this->restore( $number, 0 );
		}
		$this->open = array();
		$wrong      = $this->wrong();
		if ( '' === $wrong ) {
			foreach ( array_keys( array_filter( $this->ids ) ) as $number ) {
				$this->hide( $number, 0 );
			}
			foreach ( array_keys( array_filter( $this->ids ) ) as $number ) {
				$this->delete( $number, 0 );
			}
			$left  = array_intersect_key( $this->on_disk(), array_filter( $this->makers ) );
			$wrong = $left ? 'left behind: ' . implode( ', ', array_keys( $left ) ) : '';
		}
		return '' === $wrong ? "held {$this->collisions}" : $wrong . "\n" . implode( "\n", $this->log );
	}

	private function on_disk(): array {
		$found = array();
		foreach ( glob( $this->dir . '/{,cropped-}' . $this->prefix . '*', GLOB_BRACE ) as $path ) {
			$found[ basename( $path ) ] = file_get_contents( $path );
		}
		return $found;
	}

	/** Note the files that appeared in this step as made for an attachment. */
	private function made_for( int $id ): void {
		foreach ( array_diff_key( $this->on_disk(), $this->before ) as $name => $bytes ) {
			$this->bytes[ $name ]  = $bytes;
			$this->makers[ $name ] = $this->twins( $id );
		}
	}

	private function twins( int $id ): array {
		$same = array();
		foreach ( array_filter( $this->ids ) as $other ) {
			if ( get_post_meta( $other, '_wp_attached_file', true ) === get_post_meta( $id, '_wp_attached_file', true ) ) {
				$same[] = $other;
			}
		}
		return $same;
	}

	private function is_hidden( int $id ): bool {
		return (bool) array_intersect( $this->twins( $id ), array_keys( $this->blocked ) );
	}

	private function upload( int $which, int $how ): void {
		$stems = array( '', '-2', '-300x225', '-scaled', '-e1700000000123' );
		$types = array( 'jpg', 'png', 'gif', 'webp' );
		$type  = $types[ $how % 4 ];
		$wide  = $how > 7 ? 640 : 400;
		$image = imagecreatetruecolor( $wide, (int) ( $wide * .75 ) );
		for ( $i = 0; $i < 12; $i++ ) {
			imagefilledrectangle( $image, mt_rand( 0, $wide ), mt_rand( 0, $wide ), mt_rand( 0, $wide ), mt_rand( 0, $wide ), mt_rand( 0, 0xffffff ) );
		}
		ob_start();
		array( 'jpg' => 'imagejpeg', 'png' => 'imagepng', 'gif' => 'imagegif', 'webp' => 'imagewebp' )[ $type ]( $image );
		$up = wp_upload_bits( $this->prefix . $stems[ $which % 5 ] . '.' . $type, null, ob_get_clean() );
		$id = wp_insert_attachment( array( 'post_mime_type' => $up['type'], 'post_title' => 'x', 'post_status' => 'inherit' ), $up['file'] );
		$this->ids[] = $id;
		wp_update_attachment_metadata( $id, wp_generate_attachment_metadata( $id, $up['file'] ) );
		foreach ( array_keys( $this->bytes ) as $name ) {
			$this->collisions += pathinfo( $name, PATHINFO_FILENAME ) === pathinfo( $up['file'], PATHINFO_FILENAME ) ? 1 : 0;
		}
		$this->made_for( $id );
		$this->log[] = "$id: upload " . basename( get_attached_file( $id, true ) );
	}

	private function translate( int $number, int $how ): void {
		$id  = $this->ids[ $number ];
		$new = wp_insert_post( array( 'post_type' => 'attachment', 'post_mime_type' => get_post_mime_type( $id ), 'post_title' => 'x', 'post_status' => 'inherit' ) );
		foreach ( array( '_wp_attached_file', '_wp_attachment_metadata', '_wp_attachment_backup_sizes' ) as $key ) {
			if ( metadata_exists( 'post', $id, $key ) ) {
				update_post_meta( $new, $key, wp_slash( get_post_meta( $id, $key, true ) ) );
			}
		}
		$this->ids[] = $new;
		picward_notice( $new );
		if ( $this->is_hidden( $id ) ) {
			$this->blocked[ $new ] = true;
		}
		foreach ( $this->makers as $name => $ids ) {
			if ( in_array( $id, $ids, true ) ) {
				$this->makers[ $name ][] = $new;
			}
		}
		$this->log[] = "$new: translation of $id";
	}

	private function edit( int $number, int $how ): void {
		$id = $this->ids[ $number ];
		if ( $this->is_hidden( $id ) ) {
			return;
		}
		$_REQUEST = array(
			'history' => wp_slash( '[{"c":{"x":' . ( 3 + $how ) . ',"y":5,"w":200,"h":150}}]' ),
			'target'  => array( 'all', 'nothumb', 'thumbnail' )[ $how % 3 ],
		);
		wp_save_image( $id );
		$this->made_for( $id );
		$this->log[] = "$id: edit {$_REQUEST['target']} → " . basename( get_attached_file( $id, true ) );
	}

	private function undo_edit( int $number, int $how ): void {
		$id = $this->ids[ $number ];
		if ( $this->is_hidden( $id ) ) {
			return;
		}
		wp_restore_image( $id );
		picward_on_shutdown();
		if ( $this->is_hidden( $id ) ) {
			$this->blocked[ $id ] = true;
		}
		$this->log[] = "$id: undo edit → " . basename( get_attached_file( $id, true ) );
	}

	private function crop( int $number, int $how ): void {
		$id = $this->ids[ $number ];
		if ( $this->is_hidden( $id ) ) {
			return;
		}
		$path = wp_crop_image( $id, 0, 0, 200, 150, 200, 150 );
		if ( is_wp_error( $path ) || isset( $this->bytes[ basename( $path ) ] ) ) {
			return;
		}
		$new         = wp_insert_attachment( array( 'post_mime_type' => get_post_mime_type( $id ), 'post_title' => 'x', 'post_status' => 'inherit' ), $path );
		$this->ids[] = $new;
		wp_update_attachment_metadata( $new, wp_generate_attachment_metadata( $new, $path ) );
		$this->made_for( $new );
		$this->log[] = "$new: crop of $id";
	}

	private function stray( int $number, int $how ): void {
		$id   = $this->ids[ $number ];
		$main = preg_replace( '/-scaled\.([a-z]+)$/', '.$1', basename( get_attached_file( $id, true ) ) );
		$name = $how % 2 ? preg_replace( '/\.([a-z]+)$/', '-77x55.$1', $main ) : $main . '.webp';
		if ( ! $this->is_hidden( $id ) && ! isset( $this->bytes[ $name ] ) ) {
			$image = imagecreatetruecolor( 77, 55 );
			imagefilledrectangle( $image, 0, 0, 40, 40, mt_rand( 0, 0xffffff ) );
			imagewebp( $image, $this->dir . '/' . $name );
			$this->made_for( $id );
			$this->log[] = "$id: stray $name";
		}
	}

	private function hide( int $number, int $how ): void {
		$id = $this->ids[ $number ];
		$this->log[] = "$id: hide";
		$done = picward_hide( $id );
		if ( is_wp_error( $done ) ) {
			$this->log[] = $done->get_error_message();
		}
		$this->blocked[ $id ] = true;
	}

	private function restore( int $number, int $how ): void {
		$id = $this->ids[ $number ];
		$this->log[] = "$id: restore";
		$done = picward_restore( $id );
		if ( is_wp_error( $done ) ) {
			$this->log[] = $done->get_error_message();
		}
		unset( $this->blocked[ $id ] );
	}

	private function delete( int $number, int $how ): void {
		$id    = $this->ids[ $number ];
		$heirs = array_diff( $this->twins( $id ), array( $id ) );
		if ( isset( $this->blocked[ $id ] ) && $heirs && ! array_intersect( $heirs, array_keys( $this->blocked ) ) ) {
			$this->blocked += array_fill_keys( $heirs, true );
		}
		$hidden = $this->is_hidden( $id );
		wp_delete_attachment( $id, true );
		unset( $this->blocked[ $id ] );
		$this->ids[ $number ] = null;
		foreach ( $this->makers as $name => $ids ) {
			$this->makers[ $name ] = array_values( array_diff( $ids, array( $id ) ) );
			if ( $hidden && in_array( $id, $ids, true ) ) {
				$this->open[ $name ] = true;
			}
		}
		$this->log[] = "$id: delete";
	}

	private function wrong(): string {
		$now   = $this->on_disk();
		$mains = array();
		foreach ( array_filter( $this->ids ) as $id ) {
			$mains[ basename( get_post_meta( $id, '_wp_attached_file', true ) ) ][] = $id;
			if ( ( '' !== picward_hidden( $id ) ) !== $this->is_hidden( $id ) ) {
				return "$id shows " . ( picward_hidden( $id ) ?: 'public' );
			}
		}
		foreach ( $this->makers as $name => $ids ) {
			if ( ! $ids ) {
				continue;
			}
			$hidden = array_filter( $ids, array( $this, 'is_hidden' ) );
			$public = ( $now[ $name ] ?? '' ) === $this->bytes[ $name ];
			// Of a main file its attachments decide; another file that several have may be either while they differ.
			$must_hide = isset( $mains[ $name ] ) ? (bool) array_filter( $mains[ $name ], array( $this, 'is_hidden' ) ) : count( $hidden ) === count( $ids );
			$must_show = isset( $mains[ $name ] ) ? ! $must_hide : ! $hidden;
			if ( $must_hide && $public ) {
				return "$name is public";
			}
			if ( $must_show && ! $public && ! isset( $this->open[ $name ] ) ) {
				return "$name is " . ( isset( $now[ $name ] ) ? 'hidden or changed' : 'gone' );
			}
		}
		return '';
	}
}

mt_srand( crc32( $prefix ) );
echo ( new Owners( $prefix ) )->run( $steps );
