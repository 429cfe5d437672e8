"""Documents, tables, pictures, sound and films: data for the program that shows them."""
