"""Who may do what: accounts, one-time links, sessions, guests, tokens for programs."""
