"""Writing: one action is one transaction. Nothing else changes the store."""
