"""Clean-up of unused voices."""
