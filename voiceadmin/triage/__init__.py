"""Triage: findings, and the queue of voices and assistants that need attention."""
