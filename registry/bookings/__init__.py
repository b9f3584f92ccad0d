"""Requests for environments, and the time they hold."""
