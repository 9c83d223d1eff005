"""Imports of voices."""
