"""Starts governance in one worker: reads the policy, and hooks the gateway into LiteLLM's app."""

from __future__ import annotations

import os

from litellm.proxy import proxy_server

from governance.proxy.admin import mount_admin
from governance.proxy.collector import calm, calm_again_soon
from governance.proxy.gateway import Gateway
from governance.proxy.policies import open_policies
from governance.proxy.start import or_not_at_all, policy_file, report
from governance.proxy.unread import bound
from governance.proxy.wastes import cure


def open_gateway() -> Gateway:
    """Start governance in this worker, or end the worker with the reason on stderr."""
    return or_not_at_all(_open)


def _open() -> Gateway:
    policies = open_policies(policy_file())
    gateway = Gateway(policies.begin(), policies)
    gateway.contract.probe()
    gateway.models.discovering.begin()
    gateway.start()
    gateway.background(policies.run(gateway))
    # Where the hook that lets callers in finds it; LiteLLM loads that one by itself.
    proxy_server.app.state.governance = gateway
    mount_admin(gateway)
    report(gateway.engine.host.policy)
    bound()
    cure(os.environ)
    if calm(os.environ):
        calm_again_soon()
    return gateway
