"""Task routing: profiles such as `eco` or `balanced`, with a chain of models for each kind of work."""

from governance_plugins.task_routing.plugin import TaskRouting

__all__ = ["TaskRouting"]
