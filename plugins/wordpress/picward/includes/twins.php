<?php
/**
 * Attachments that share a file: one journal, one state, and a block of each.
 *
 * `_picward_block` is what was asked for this very attachment, held or hidden; `_picward_hidden` is what the file is, the same on all
 * that share it. The file is public again when the last block is gone.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Give the blocks on a file: attachment → held or hidden.
 *
 * @param int[] $twins All that share the file.
 */
function picward_blocks( array $twins ): array {
	$blocks = array();
	$before = array();
	foreach ( $twins as $twin ) {
		$block = (string) get_post_meta( $twin, '_picward_block', true );
		if ( '' !== $block ) {
			$blocks[ $twin ] = $block;
		} elseif ( '' !== picward_hidden( $twin ) && in_array( picward_status( $twin ), array( 'blocked', 'held', 'review' ), true ) ) {
			$before[ $twin ] = picward_hidden( $twin );
		}
	}
	// Version 0.1.0 noted on all alike that they are hidden, and not for whom.
	return $blocks ? $blocks : $before;
}

/**
 * Give what a file is under some blocks: hidden, held, or an empty text.
 *
 * @param string[] $blocks Blocks.
 */
function picward_strongest( array $blocks ): string {
	return in_array( 'hidden', $blocks, true ) ? 'hidden' : (string) current( $blocks );
}

/**
 * Store the blocks on a file.
 *
 * @param int[]    $twins  All that share it.
 * @param string[] $blocks Attachment → held or hidden.
 */
function picward_store_blocks( array $twins, array $blocks ): void {
	foreach ( $twins as $twin ) {
		if ( isset( $blocks[ $twin ] ) ) {
			update_post_meta( $twin, '_picward_block', $blocks[ $twin ] );
		} else {
			delete_post_meta( $twin, '_picward_block' );
		}
	}
}

/**
 * Store what a file is on all that share it.
 *
 * @param int[]  $twins All that share it.
 * @param string $as    held or hidden.
 */
function picward_show_as( array $twins, string $as ): void {
	foreach ( $twins as $twin ) {
		update_post_meta( $twin, '_picward_hidden', $as );
	}
}

/**
 * Join an attachment to another that shows the same file and is hidden: a translation plugin may have made it just now. Without
 * this the placeholder would be taken for its picture.
 *
 * @param int $id Attachment.
 */
function picward_join_hidden_twin( int $id ): void {
	global $wpdb;
	$file = (string) get_post_meta( $id, '_wp_attached_file', true );
	if ( '' === $file || '' !== picward_hidden( $id ) ) {
		return;
	}
	// By the few journals first: the names of all files have no index.
	// phpcs:ignore WordPress.DB -- no function looks a meta value up.
	$owner = (int) $wpdb->get_var( $wpdb->prepare( "SELECT j.post_id FROM {$wpdb->postmeta} j INNER JOIN {$wpdb->postmeta} f ON f.post_id = j.post_id AND f.meta_key = '_wp_attached_file' WHERE j.meta_key = '_picward_journal' AND f.meta_value = %s LIMIT 1", $file ) );
	if ( $owner && $owner !== $id && '' !== picward_hidden( $owner ) ) {
		update_post_meta( $id, '_picward_owner', $owner );
		update_post_meta( $id, '_picward_hidden', picward_hidden( $owner ) );
		update_post_meta( $id, '_picward_block', picward_hidden( $owner ) );
		picward_set_verdict( $id, picward_verdict( $owner ) );
		picward_set_status( $id, picward_status( $owner ) );
	}
}

/**
 * Make one of the attachments that share a file keep the journal for all: the one that has it, else the lowest.
 *
 * @param int   $id    Attachment.
 * @param int[] $twins All that share the file.
 */
function picward_adopt( int $id, array $twins ): int {
	$owner = picward_owner( $id );
	foreach ( $twins as $twin ) {
		if ( '' !== (string) get_post_meta( $twin, '_picward_journal', true ) ) {
			$owner = $twin;
			break;
		}
	}
	if ( $owner === $id && ! picward_journal( $id )['files'] ) {
		$owner = min( $twins );
	}
	picward_point_to( $owner, $twins );
	return $owner;
}

/**
 * Say on all that share a file who keeps its journal.
 *
 * @param int   $owner Attachment.
 * @param int[] $twins All that share the file.
 */
function picward_point_to( int $owner, array $twins ): void {
	foreach ( $twins as $twin ) {
		if ( $twin === $owner ) {
			delete_post_meta( $twin, '_picward_owner' );
		} else {
			update_post_meta( $twin, '_picward_owner', $owner );
		}
	}
}
