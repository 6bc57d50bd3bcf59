"""Runs: something is tried on the cases of a data set, and what became of each case is kept."""
