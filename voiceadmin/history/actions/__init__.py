"""Write the history, and thin it out."""
