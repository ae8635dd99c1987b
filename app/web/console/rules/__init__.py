"""Pages: a site's settings in words, its policy in numbers, the effect of a draft."""
