"""Actions on clean-up plans and prices."""
