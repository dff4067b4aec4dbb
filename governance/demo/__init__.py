"""What `governance demo` and the end-to-end tests run against: fake providers on loopback, no keys needed."""
