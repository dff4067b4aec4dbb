"""`rate_limits`: at most so many requests, tokens and requests in flight, for each subject."""

from governance_plugins.rate_limits.plugin import RateLimits

__all__ = ["RateLimits"]
