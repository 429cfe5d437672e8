"""Facts in, a decision with its explanation out: pure but for the reading of rule files."""
