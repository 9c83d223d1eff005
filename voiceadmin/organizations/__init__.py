"""Organizations and their assistants."""
