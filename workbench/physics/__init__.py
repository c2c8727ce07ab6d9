"""What physics does to a chip, as functions of arrays: resistance of wires. No chips, no backends."""
