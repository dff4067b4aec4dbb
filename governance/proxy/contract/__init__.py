"""What governance relies on in LiteLLM, in which versions it was seen, and the probes that show whether it holds."""
