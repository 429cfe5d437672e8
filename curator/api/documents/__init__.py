"""The answers of the management API, as it declares them."""
