"""What can be asked and done, one function each; the command, the API and pages are faces of these."""
