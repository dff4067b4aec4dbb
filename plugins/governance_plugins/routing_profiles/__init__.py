"""Routing profiles: virtual providers (`fast/glm-4.7`) with ordered or weighted targets behind them."""

from governance_plugins.routing_profiles.plugin import RoutingProfiles

__all__ = ["RoutingProfiles"]
