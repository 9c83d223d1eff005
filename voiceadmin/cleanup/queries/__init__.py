"""Queries of candidates, clean-up plans and prices."""
