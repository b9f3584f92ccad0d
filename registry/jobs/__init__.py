"""What is to happen after a commit: enqueued in the same transaction as the change."""
