"""The actions, and how operations apply and undo them."""
