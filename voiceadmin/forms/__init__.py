"""What people and programs write into an address -> domain values. The only readers of query strings."""
