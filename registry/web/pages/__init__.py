"""Pages (HTML), one module for each concept."""
