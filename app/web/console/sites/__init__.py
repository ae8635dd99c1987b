"""Pages: sites, and connecting them."""
