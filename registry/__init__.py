"""What the registry knows and does."""
