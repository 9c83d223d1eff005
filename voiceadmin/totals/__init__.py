"""The totals that triggers maintain: sums for pages, and the comparison with the rows."""
