"""Keras models: the configuration inside a zip, an HDF5 file or JSON, and the Python code it can carry."""
