"""Routing rules: conditions in CEL that send a request to targets, to a profile, or away."""

from governance_plugins.routing_rules.plugin import RoutingRules

__all__ = ["RoutingRules"]
