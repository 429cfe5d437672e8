"""Notices: what the record says, told to whom it concerns."""
