"""Actions on accounts, sessions and one-time links."""
