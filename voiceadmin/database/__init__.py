"""Access to the database."""
