"""The list of assistants."""
