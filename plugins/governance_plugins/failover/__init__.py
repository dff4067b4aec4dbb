"""Failover: how often to try, which failures end a request, and how long a failed target is left alone."""

from governance_plugins.failover.plugin import Failover

__all__ = ["Failover"]
