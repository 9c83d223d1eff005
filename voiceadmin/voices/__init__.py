"""Cloned voices."""
