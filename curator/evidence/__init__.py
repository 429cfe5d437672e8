"""What is kept for those who ask years later: incidents, and packs of all that is known of them."""
