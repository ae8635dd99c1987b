<?php
/**
 * Plugin Name:       Picward
 * Description:       Connects this site to your own Picward connector: new pictures are judged there, flagged ones are really hidden, and can be restored byte for byte.
 * Version:           0.1.0
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * Author:            The Picward authors
 * License:           GPLv2 or later
 * License URI:       https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain:       picward
 * Domain Path:       /languages
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

define( 'PICWARD_VERSION', '0.1.0' );
define( 'PICWARD_FILE', __FILE__ );
define( 'PICWARD_DIR', plugin_dir_path( __FILE__ ) );

foreach ( array(
	'database',
	'network',
	'connection',
	'signing',
	'client',
	'media',
	'history',
	'status',
	'cipher',
	'owners',
	'stems',
	'quarantine',
	'copies',
	'files',
	'placeholder',
	'journal',
	'twins',
	'settling',
	'hiding',
	'restoring',
	'caches',
	'visiting',
	'parents',
	'outbox',
	'runner',
	'listener',
	'incoming',
	'deleting',
	'decisions',
	'undoing',
	'guard',
	'reach',
	'rest-door',
	'rest-routes',
	'problems',
	'unseen',
	'commands',
	'privacy',
) as $picward_part ) {
	require_once PICWARD_DIR . 'includes/' . $picward_part . '.php';
}
if ( is_admin() ) {
	foreach ( array( 'assets', 'notices', 'connect-page', 'settings-page', 'settings-fields', 'review-page', 'review-actions', 'preview', 'media-screen', 'library-filter', 'block-editor' ) as $picward_part ) {
		require_once PICWARD_DIR . 'admin/' . $picward_part . '.php';
	}
}
require_once PICWARD_DIR . 'admin/site-health.php';
unset( $picward_part );
picward_watch_request();

register_activation_hook( __FILE__, 'picward_activate' );
register_deactivation_hook( __FILE__, 'picward_deactivate' );
