<?php
/**
 * The table of pictures to review.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

require_once ABSPATH . 'wp-admin/includes/class-wp-list-table.php';

/**
 * List pictures that wait for a person, are blocked, or were judged at all.
 */
class Picward_Review_Table extends WP_List_Table {

	/**
	 * Name what is listed.
	 */
	public function __construct() {
		parent::__construct(
			array(
				'singular' => 'picture',
				'plural'   => 'pictures',
				'ajax'     => false,
			)
		);
	}

	/**
	 * Give the view that was asked for.
	 */
	public static function view(): string {
		$view = isset( $_GET['view'] ) ? sanitize_key( $_GET['view'] ) : ''; // phpcs:ignore WordPress.Security.NonceVerification -- only chooses what is shown.
		return isset( self::statuses()[ $view ] ) ? $view : 'waiting';
	}

	/**
	 * Give the statuses of each view.
	 */
	private static function statuses(): array {
		return array(
			'waiting' => array( 'review', 'held' ),
			'blocked' => array( 'blocked' ),
			'all'     => array( 'review', 'held', 'blocked', 'allowed', 'unchecked' ),
		);
	}

	/**
	 * Find the pictures of this page.
	 */
	public function prepare_items(): void {
		$this->_column_headers = array( $this->get_columns(), array(), array(), 'file' );

		$query = new WP_Query(
			array(
				'post_type'      => 'attachment',
				'post_status'    => array( 'inherit', 'private' ),
				'posts_per_page' => 20,
				'paged'          => $this->get_pagenum(),
				'orderby'        => 'ID',
				'order'          => 'DESC',
				'meta_key'       => '_picward_status', // phpcs:ignore WordPress.DB.SlowDBQuery -- the key is indexed.
				'meta_value'     => self::statuses()[ self::view() ], // phpcs:ignore WordPress.DB.SlowDBQuery -- see above.
				'meta_compare'   => 'IN',
			)
		);
		$this->items = $query->posts;
		$this->set_pagination_args(
			array(
				'total_items' => $query->found_posts,
				'per_page'    => 20,
			)
		);
	}

	/**
	 * Give the columns.
	 */
	public function get_columns(): array {
		return array(
			'cb'      => '<input type="checkbox" />',
			'file'    => __( 'Picture', 'picward' ),
			'author'  => __( 'Uploaded by', 'picward' ),
			'used'    => __( 'Used in', 'picward' ),
			'reasons' => __( 'Reasons', 'picward' ),
			'status'  => __( 'Status', 'picward' ),
		);
	}

	/**
	 * Give the links above the table.
	 */
	protected function get_views(): array {
		$names = array(
			'waiting' => __( 'Waiting', 'picward' ),
			'blocked' => __( 'Blocked', 'picward' ),
			'all'     => __( 'All', 'picward' ),
		);
		$views = array();
		foreach ( $names as $view => $name ) {
			$views[ $view ] = sprintf(
				'<a href="%1$s"%2$s>%3$s <span class="count">(%4$s)</span></a>',
				esc_url( picward_review_url( $view ) ),
				self::view() === $view ? ' class="current" aria-current="page"' : '',
				esc_html( $name ),
				esc_html( number_format_i18n( picward_count( self::statuses()[ $view ] ) ) )
			);
		}
		return $views;
	}

	/**
	 * Give what can be done with several pictures.
	 */
	protected function get_bulk_actions(): array {
		return picward_review_verbs();
	}

	/**
	 * Say that there is nothing.
	 */
	public function no_items(): void {
		if ( 'waiting' === self::view() ) {
			esc_html_e( 'Nothing waits for you.', 'picward' );
		} else {
			esc_html_e( 'No pictures here.', 'picward' );
		}
	}

	/**
	 * Print the box for bulk actions.
	 *
	 * @param WP_Post $item Attachment.
	 */
	protected function column_cb( $item ): string {
		/* translators: %s: title of a picture. */
		return sprintf( '<label class="screen-reader-text" for="cb-%1$d">%2$s</label><input type="checkbox" id="cb-%1$d" name="ids[]" value="%1$d">', $item->ID, esc_html( sprintf( __( 'Select %s', 'picward' ), get_the_title( $item ) ) ) );
	}

	/**
	 * Print blurred preview, title and file name.
	 *
	 * @param WP_Post $item Attachment.
	 */
	protected function column_file( $item ): string {
		$title = '' === get_the_title( $item ) ? __( '(no title)', 'picward' ) : get_the_title( $item );
		$link  = get_edit_post_link( $item->ID );
		$html  = $link ? '<a class="row-title" href="' . esc_url( $link ) . '">' . esc_html( $title ) . '</a>' : '<strong>' . esc_html( $title ) . '</strong>';
		return picward_preview_link( $item->ID ) . $html . '<br>' . esc_html( wp_basename( (string) get_attached_file( $item->ID, true ) ) );
	}

	/**
	 * Print the links under the file.
	 *
	 * @param WP_Post $item        Attachment.
	 * @param string  $column_name Column.
	 * @param string  $primary     Main column.
	 */
	protected function handle_row_actions( $item, $column_name, $primary ): string {
		if ( $column_name !== $primary ) {
			return '';
		}
		$actions = array();
		foreach ( picward_verbs_for( $item->ID ) as $verb => $name ) {
			$class            = 'picward_delete' === $verb ? ' class="submitdelete" data-picward-confirm="' . esc_attr__( 'Delete this picture for good? It cannot be restored.', 'picward' ) . '"' : '';
			$actions[ $verb ] = '<a href="' . esc_url( picward_verb_url( $verb, array( $item->ID ), self::view() ) ) . '"' . $class . '>' . esc_html( $name ) . '</a>';
		}
		return $this->row_actions( $actions );
	}

	/**
	 * Print who uploaded the picture, and when.
	 *
	 * @param WP_Post $item Attachment.
	 */
	protected function column_author( $item ): string {
		$author = get_userdata( (int) $item->post_author );
		return esc_html( $author ? $author->display_name : '–' ) . '<br>' . esc_html( get_the_date( '', $item ) );
	}

	/**
	 * Print the posts that show the picture.
	 *
	 * @param WP_Post $item Attachment.
	 */
	protected function column_used( $item ): string {
		$links = array();
		foreach ( array_slice( picward_parents( $item->ID, false ), 0, 3 ) as $id ) {
			$link    = get_edit_post_link( $id );
			$title   = '' === get_the_title( $id ) ? __( '(no title)', 'picward' ) : get_the_title( $id );
			$links[] = $link ? '<a href="' . esc_url( $link ) . '">' . esc_html( $title ) . '</a>' : esc_html( $title );
		}
		return $links ? implode( '<br>', $links ) : '–';
	}

	/**
	 * Print why it was judged so.
	 *
	 * @param WP_Post $item Attachment.
	 */
	protected function column_reasons( $item ): string {
		$items = '';
		foreach ( picward_verdict( $item->ID )['reasons'] as $reason ) {
			$items .= '<li>' . esc_html( $reason ) . '</li>';
		}
		return '' === $items ? '–' : '<ul class="picward-reasons">' . $items . '</ul>';
	}

	/**
	 * Print the status, who gave it, and whether the picture is public.
	 *
	 * @param WP_Post $item Attachment.
	 */
	protected function column_status( $item ): string {
		$verdict = picward_verdict( $item->ID );
		$html    = picward_status_badge( $item->ID );
		if ( '' !== $verdict['verdict'] ) {
			$html .= '<br>' . esc_html( picward_decider( $verdict ) );
		}
		return $html . '<br>' . esc_html( '' === picward_hidden( $item->ID ) ? __( 'public', 'picward' ) : __( 'hidden', 'picward' ) );
	}
}
