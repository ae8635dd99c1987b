/* Ask before a picture is deleted. */
document.addEventListener( 'click', function ( event ) {
	'use strict';
	var link = event.target.closest( 'a[data-picward-confirm]' );
	if ( link && ! window.confirm( link.getAttribute( 'data-picward-confirm' ) ) ) {
		event.preventDefault();
	}
} );

/* Show a picture clearly only after a click on its blurred preview. Without this script the click opens it in a tab. */
( function () {
	'use strict';
	document.addEventListener( 'click', function ( event ) {
		var link = event.target.closest( 'a.picward-preview' );
		if ( ! link || typeof HTMLDialogElement !== 'function' ) {
			return;
		}
		event.preventDefault();
		var dialog = document.createElement( 'dialog' );
		var image = document.createElement( 'img' );
		dialog.className = 'picward-large';
		image.src = link.href;
		image.alt = link.getAttribute( 'data-alt' ) || '';
		dialog.appendChild( image );
		dialog.addEventListener( 'click', function () {
			dialog.close();
		} );
		dialog.addEventListener( 'close', function () {
			dialog.remove();
			link.focus();
		} );
		document.body.appendChild( dialog );
		dialog.showModal();
	} );
}() );
