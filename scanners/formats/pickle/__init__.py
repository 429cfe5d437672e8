"""Pickle: read symbolically, opcode by opcode, without importing or running anything it names."""
