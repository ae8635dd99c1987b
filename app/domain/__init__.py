"""The rules and words of moderation. Pure: no Flask, no I/O, no clock but as an argument."""
