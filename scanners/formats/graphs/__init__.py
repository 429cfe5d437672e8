"""Graphs of operators, and what they were compiled to."""
