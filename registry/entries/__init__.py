"""What the registry lists: environments, innovation procurements and innovation partnerships."""
