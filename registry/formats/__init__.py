"""What comes in and goes out in other forms: plain language, notices, open data."""
