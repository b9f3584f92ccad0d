"""Requests that can be sent twice without harm: a key names what was asked for, and its answer is kept for a day."""
