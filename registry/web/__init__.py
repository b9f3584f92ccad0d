"""Pages (HTML) and API (JSON) of the public and signed-in site."""
