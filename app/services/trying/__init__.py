"""What would be: a draft of a policy over what was seen, a picture that somebody tries."""
