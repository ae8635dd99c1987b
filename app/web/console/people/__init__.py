"""Pages: sign-in, accounts, invitations, tokens for programs."""
