"""Facts about models: what the proxy can call, what each model can do and what it costs."""

from governance.catalog.catalog import Catalog
from governance.catalog.prices import installed_prices
from governance.catalog.providers import PROVIDERS, provider_and_model
from governance.catalog.screen import screen

__all__ = ["PROVIDERS", "Catalog", "installed_prices", "provider_and_model", "screen"]
