"""The LiteLLM callback: `litellm_settings: {callbacks: ["governance.proxy.callback.handler"]}`.

Importing this module inside a proxy reads the policy and starts the engine; a policy with mistakes keeps the proxy
from starting, and so does a LiteLLM that is not as governance relies on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance.proxy.contract.structure import require_structure
from governance.proxy.start import or_not_at_all

if TYPE_CHECKING:
    from governance.proxy.handler import Governance_PROXY_Handler


def _open() -> Governance_PROXY_Handler:
    or_not_at_all(require_structure)
    # Only now: where something is missing in LiteLLM, the import fails with less than a sentence.
    from governance.proxy.handler import Governance_PROXY_Handler
    from governance.proxy.opening import open_gateway

    return Governance_PROXY_Handler(open_gateway())


handler = _open()
