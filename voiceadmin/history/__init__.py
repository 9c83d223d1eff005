"""The history of voices and slots by day, and what follows from it: trends and forecasts."""
