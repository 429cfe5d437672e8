"""Files of numbers and little else: their headers are read, the numbers are not."""
