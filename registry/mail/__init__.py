"""Mail that goes out: stored in the transaction of the change, sent by a job after the commit."""
