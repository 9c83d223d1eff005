"""One blueprint per noun: read the form, call one function, answer."""
