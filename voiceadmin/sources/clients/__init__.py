"""Clients of the platform's API and of the providers' APIs. They know neither the database nor Flask."""
