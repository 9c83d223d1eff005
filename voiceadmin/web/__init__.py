"""What all views share: access control, forms, errors, headers, caches."""
