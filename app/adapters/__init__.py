"""What the outside is reached by: the vault's key, mail, webhooks out, pictures by their address."""
