"""Rate limits: token buckets in the database."""
