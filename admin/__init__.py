"""The staff desks; they have no rules of their own."""
