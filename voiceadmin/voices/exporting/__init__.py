"""Exports of voices."""
