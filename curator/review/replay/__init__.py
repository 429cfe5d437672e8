"""A draft of rules over what was asked for and decided before: nothing is scanned again, and nothing is changed."""
