"""Agreements, their templates and versions, and the terms on intellectual property."""
