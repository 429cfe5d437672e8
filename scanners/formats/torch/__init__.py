"""What PyTorch writes: archives of pickles and tensors, and their older and newer forms."""
