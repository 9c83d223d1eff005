"""The activity page: the audit log."""
