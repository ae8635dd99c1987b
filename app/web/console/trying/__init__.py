"""Pages: try a picture."""
