"""The plugins that come with governance; each is loaded only where a policy names it."""
