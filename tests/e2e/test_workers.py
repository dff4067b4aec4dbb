"""Several workers."""

POLICY = "version: 1\nrouting_profiles:\n  - {name: A, virtual_provider: fast, targets: [{provider: openai}]}\n"


def test_several_workers_on_a_memory_ledger_are_warned_about(start) -> None:
    with start(POLICY, None, "--num_workers", "2") as proxy:
        assert proxy.chat("fast/x").status_code == 200

        said = proxy.output.read_text("utf-8")

    assert "ledger.url is memory:// and the proxy runs 2 workers" in said
