"""Queries of accounts, sessions and one-time links."""
