"""Use cases, in wings that have the same names on every floor."""
