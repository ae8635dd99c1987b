"""Connected sites: how they come, what is known of them, their credentials."""
