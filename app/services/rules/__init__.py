"""What a site's owner wants: policies in versions, hash lists."""
