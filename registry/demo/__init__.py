"""The demo: everything in one process tree, with example data."""
