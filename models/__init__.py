"""What looks at pictures: the bounded decode, the detectors and the hash lists."""
