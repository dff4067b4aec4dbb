"""The policy document: one YAML (or JSON) file, validated as a whole, every mistake reported with file and line."""

from governance.policy.counting import LedgerSettings
from governance.policy.document import AccessSettings, Policy
from governance.policy.load import load_policy, parse_policy

__all__ = ["AccessSettings", "LedgerSettings", "Policy", "load_policy", "parse_policy"]
