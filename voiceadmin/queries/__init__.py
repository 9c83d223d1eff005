"""Reading: filters in, rows and pages out. Nothing in here writes."""
