"""Toybox, an imaginary place for pictures; README.md has what it understands."""

from picward_toybox.platform import Toybox

PLATFORM = Toybox
