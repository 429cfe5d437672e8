"""HDF5: a bounded reader of its structure, and the judge of what it holds."""
