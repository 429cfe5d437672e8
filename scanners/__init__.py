"""What is in a model file, told from its bytes alone: no network, no database, no import of model code."""
