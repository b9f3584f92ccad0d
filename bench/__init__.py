"""Measurements of the program under load: `make bench`. Not installed in production."""
