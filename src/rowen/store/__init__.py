"""What stays: record families as protocols, and the drivers that implement them."""
