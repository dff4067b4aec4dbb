"""Which deployments are of one account: what a provider keeps for one of them, the others have too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from governance.catalog.deployments import Entry, deployment_of

# Keys, addresses and what stands for them.
_IS_ACCOUNT: Final = re.compile(
    r"api_(key|base)$|base_url$|litellm_credential_name$|organization$|(aws|vertex|azure|watsonx|oci|sap)_\w+$|"
    r"\w*(region|project|tenant|client|token_url|credentials?)\w*$|(extra_)?headers$"
)


def accounts_of(entries: Iterable[Entry], model_map: Mapping[str, Any]) -> dict[str, str]:
    """By LiteLLM's id of each deployment, a digest that is equal for those that ask the same provider as the same
    customer.
    """
    found: dict[str, str] = {}
    for entry in entries:
        deployment, params = deployment_of(entry, model_map), entry.get("litellm_params")
        given = params.items() if isinstance(params, Mapping) else ()
        told = sorted((key, str(value)) for key, value in given if value and _IS_ACCOUNT.match(key))
        text = repr((deployment.identity.provider, told))
        if deployment.id:
            found[deployment.id] = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return found
