"""A call as it came in to a `Request`: what it asks for, what it needs and about how long it is."""
