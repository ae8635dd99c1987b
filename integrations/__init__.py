"""The platforms, one package each, and what they share in `kit`."""
