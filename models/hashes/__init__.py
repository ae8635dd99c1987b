"""Hash lists: pictures that are known by their bytes (sha256) or their look (PDQ)."""
