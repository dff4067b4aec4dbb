"""Facts about models: what the proxy can call, what each model can do and what it costs."""

from governance.catalog.cards import card, cards
from governance.catalog.catalog import Catalog
from governance.catalog.deployments import Deployment
from governance.catalog.identity import Identity, identity_of
from governance.catalog.known import known_facts
from governance.catalog.modalities import CAPABILITY_KEYS, INPUT_MODALITIES, OUTPUT_MODALITIES, chats
from governance.catalog.prices import installed_prices
from governance.catalog.providers import PROVIDERS, provider_and_model, provider_of
from governance.catalog.remarks import label_remark, provider_remark, repeated_targets, taken_names, target_remark
from governance.catalog.screen import screen
from governance.catalog.sources import Said, Sources
from governance.catalog.tiers import TIERS, Tier, Tiers

__all__ = [
    "CAPABILITY_KEYS",
    "INPUT_MODALITIES",
    "OUTPUT_MODALITIES",
    "PROVIDERS",
    "TIERS",
    "Catalog",
    "Deployment",
    "Identity",
    "Said",
    "Sources",
    "Tier",
    "Tiers",
    "card",
    "cards",
    "chats",
    "identity_of",
    "installed_prices",
    "known_facts",
    "label_remark",
    "provider_and_model",
    "provider_of",
    "provider_remark",
    "repeated_targets",
    "screen",
    "taken_names",
    "target_remark",
]
