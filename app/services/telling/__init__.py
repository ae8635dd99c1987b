"""What owners are told: notices, figures, whether this process can work."""
