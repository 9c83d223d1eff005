"""Statistics of the providers."""
