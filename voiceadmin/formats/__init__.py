"""How voices look outside the store: records, and the files and bodies that carry them."""
