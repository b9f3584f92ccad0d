"""Organisations, people, their roles, sessions and API tokens."""
