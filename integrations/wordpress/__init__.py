"""WordPress, through the Picward plugin there; README.md has the protocol."""

from integrations.wordpress.platform import WordPress

PLATFORM = WordPress
