"""Innovation procurements, and innovation partnerships with their phases."""
