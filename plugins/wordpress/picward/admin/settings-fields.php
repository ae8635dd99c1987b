<?php
/**
 * The site's settings as form fields, from the connector's declaration. No setting is declared here.
 *
 * @package Picward
 */

defined( 'ABSPATH' ) || exit;

/**
 * Give the usable fields of a declaration.
 *
 * @param array $declaration Foreign JSON.
 */
function picward_fields( array $declaration ): array {
	$fields = array();
	foreach ( $declaration as $field ) {
		if ( is_array( $field ) && preg_match( '/^[a-z][a-z0-9_]*$/', picward_text( $field, 'name' ) ) ) {
			$fields[ $field['name'] ] = array(
				'kind'        => picward_text( $field, 'kind' ),
				'title'       => picward_text( $field, 'title' ),
				'description' => picward_text( $field, 'description' ),
				'choices'     => is_array( $field['choices'] ?? null ) ? array_filter( $field['choices'], 'is_scalar' ) : array(),
				'default'     => $field['default'] ?? null,
				'minimum'     => $field['minimum'] ?? null,
				'maximum'     => $field['maximum'] ?? null,
				// A connector that does not say so yet lets this page change everything.
				'here'        => 'platform' === ( $field['changed_by'] ?? 'platform' ),
			);
		}
	}
	return $fields;
}

/**
 * Print one row of what an owner sets in Picward: the value as text, and nothing to change.
 *
 * @param array $field Its declaration.
 * @param mixed $value Its value.
 */
function picward_print_fixed( array $field, $value ): void {
	$texts = array_filter( (array) $value, 'is_scalar' );
	if ( 'choice' === $field['kind'] ) {
		$text = (string) ( $field['choices'][ is_scalar( $value ) ? (string) $value : '' ] ?? '' );
	} elseif ( 'switch' === $field['kind'] ) {
		$text = $value ? __( 'On', 'picward' ) : __( 'Off', 'picward' );
	} else {
		$text = implode( ', ', array_map( 'strval', $texts ) );
	}
	echo '<tr><th scope="row">' . esc_html( $field['title'] ) . '</th><td>';
	echo esc_html( '' === $text ? '–' : $text );
	if ( '' !== $field['description'] ) {
		echo '<p class="description">' . esc_html( $field['description'] ) . '</p>';
	}
	echo '</td></tr>';
}

/**
 * Print one row of the form.
 *
 * @param string $name  Name of the setting.
 * @param array  $field Its declaration.
 * @param mixed  $value Its value.
 * @param string $error What the connector says is wrong with it.
 */
function picward_print_field( string $name, array $field, $value, string $error ): void {
	$id    = 'picward-' . $name;
	$input = 'picward[' . $name . ']';
	$label = '' === $field['title'] ? $name : $field['title'];
	$text  = is_scalar( $value ) ? (string) $value : '';
	$group = in_array( $field['kind'], array( 'choice', 'switch' ), true );
	echo '<tr><th scope="row">';
	printf( $group ? '<span id="%1$s-label">%2$s</span>' : '<label for="%1$s" id="%1$s-label">%2$s</label>', esc_attr( $id ), esc_html( $label ) );
	echo '</th><td>';
	switch ( $field['kind'] ) {
		case 'choice':
			printf( '<fieldset aria-labelledby="%s-label">', esc_attr( $id ) );
			foreach ( $field['choices'] as $choice => $title ) {
				printf( '<label><input type="radio" name="%s" value="%s"%s> %s</label><br>', esc_attr( $input ), esc_attr( (string) $choice ), checked( (string) $choice, $text, false ), esc_html( (string) $title ) );
			}
			echo '</fieldset>';
			break;
		case 'switch':
			printf( '<label><input type="checkbox" id="%s" name="%s" value="1"%s> %s</label>', esc_attr( $id ), esc_attr( $input ), checked( (bool) $value, true, false ), esc_html__( 'On', 'picward' ) );
			break;
		case 'number':
			printf( '<input type="number" step="any" class="small-text" id="%s" name="%s" value="%s"', esc_attr( $id ), esc_attr( $input ), esc_attr( $text ) );
			echo is_numeric( $field['minimum'] ) ? ' min="' . esc_attr( (string) $field['minimum'] ) . '"' : '';
			echo is_numeric( $field['maximum'] ) ? ' max="' . esc_attr( (string) $field['maximum'] ) . '"' : '';
			echo '>';
			break;
		case 'words':
			printf( '<textarea rows="4" class="regular-text" id="%s" name="%s">%s</textarea>', esc_attr( $id ), esc_attr( $input ), esc_textarea( implode( "\n", array_filter( (array) $value, 'is_scalar' ) ) ) );
			echo '<p class="description">' . esc_html__( 'One per line.', 'picward' ) . '</p>';
			break;
		default:
			printf( '<input type="text" class="regular-text" id="%s" name="%s" value="%s">', esc_attr( $id ), esc_attr( $input ), esc_attr( $text ) );
	}
	if ( '' !== $error ) {
		echo '<p class="picward-field-error">' . esc_html( $error ) . '</p>';
	}
	if ( '' !== $field['description'] ) {
		echo '<p class="description">' . esc_html( $field['description'] ) . '</p>';
	}
	echo '</td></tr>';
}

/**
 * Read the submitted values by the declaration; what was not declared, or is not set here, is not read.
 *
 * @param array $fields As picward_fields() gives them.
 * @param array $raw    Submitted values, unslashed.
 */
function picward_read_fields( array $fields, array $raw ): array {
	$values = array();
	foreach ( wp_list_filter( $fields, array( 'here' => true ) ) as $name => $field ) {
		$value = isset( $raw[ $name ] ) && is_string( $raw[ $name ] ) ? $raw[ $name ] : '';
		switch ( $field['kind'] ) {
			case 'switch':
				$values[ $name ] = '' !== $value;
				break;
			case 'number':
				$value           = trim( sanitize_text_field( $value ) );
				$values[ $name ] = is_numeric( $value ) ? $value + 0 : $value;
				break;
			case 'words':
				$values[ $name ] = array_values( array_filter( array_map( 'trim', explode( "\n", sanitize_textarea_field( $value ) ) ), 'strlen' ) );
				break;
			default:
				$values[ $name ] = sanitize_text_field( $value );
		}
	}
	return $values;
}
