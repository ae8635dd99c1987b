"""NudeNet 320n: nudity, partial nudity and faces."""
