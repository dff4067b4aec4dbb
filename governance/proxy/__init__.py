"""Everything that knows LiteLLM; nothing else does. Import `governance.proxy.callback` only inside the proxy."""
