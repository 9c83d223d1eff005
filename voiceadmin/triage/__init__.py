"""Triage: findings, and the queue of voices, assistants and sources that need attention."""
