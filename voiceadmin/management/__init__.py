"""Rename, merge and remove organizations and assistants."""
