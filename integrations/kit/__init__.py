"""What integrations share: HTTP to strangers, signatures, and reading of what strangers send."""
