"""Value types of cloned voices."""
