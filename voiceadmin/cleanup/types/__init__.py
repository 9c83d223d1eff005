"""Types of clean-up: candidates, plans, and prices with the resulting savings."""
