"""Changes of organizations and assistants."""
