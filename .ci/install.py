"""Makes .venv of exactly what requirements-dev.lock pins, with any Python >= 3.10 and the pip that comes with it.

pip installs only uv, by its hash in the lock, and uv installs the rest: what pip makes of a lock depends on pip's
version and on what the index has published since. (pip 23.2 gives up on `pydantic[email]` once there is a newer
pydantic.)

Where packages come from, and how to get there, is for the user to say, to pip or to uv, in a variable or in a file;
what was told to one is passed on to the other. What is installed, and where, is said here: settings about that are
left out.
"""

import ast
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-dev.lock"
VENV = ROOT / ".venv"
PYTHON, UV = VENV / "bin" / "python", VENV / "bin" / "uv"
LOCKED, INSTALLED = VENV / "locked", VENV / "installed"

# Settings of pip, with uv's variables for the same, newest first, and what stands between several values there.
SHARED = {
    "index-url": (("UV_DEFAULT_INDEX", "UV_INDEX_URL"), None),
    "extra-index-url": (("UV_INDEX", "UV_EXTRA_INDEX_URL"), None),
    "find-links": (("UV_FIND_LINKS",), ","),
    "trusted-host": (("UV_INSECURE_HOST",), None),
    "timeout": (("UV_HTTP_TIMEOUT",), None),
    "retries": (("UV_HTTP_RETRIES",), None),
    "no-cache-dir": (("UV_NO_CACHE",), None),
    "client-cert": (("SSL_CLIENT_CERT",), None),
}
# Other variables that say where from and how, and neither what nor where to.
KEPT = re.compile(
    r"PIP_(CACHE_DIR|KEYRING_PROVIDER)|UV_(CACHE_DIR|CONCURRENT_\w+|CONFIG_FILE|INDEX_\w+_(USERNAME|PASSWORD)"
    r"|KEYRING_PROVIDER|LINK_MODE|NATIVE_TLS|NO_CONFIG|OFFLINE|SYSTEM_CERTS)"
)
MISLEADING = re.compile(r"(PIP|UV|PYTHON|CONDA)(_\w+)?|PYTHON\w+|VIRTUAL_ENV")


def main() -> None:
    with LOCK.open() as lock:
        # Of two that run at once, the second waits and finds it done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        pins = lock.read()
        locked = digest(pins, Path(__file__).read_text(), str(ROOT), sys.base_prefix, sys.version)
        installed = digest(locked, (ROOT / "pyproject.toml").read_text())
        if content(INSTALLED) == installed:
            return
        if content(LOCKED) != locked:
            make(pins)
            LOCKED.write_text(locked)
        uv("--offline", "--no-deps", "--no-build-isolation", "--editable", ROOT, environment=surroundings())
        INSTALLED.write_text(installed)


def digest(*parts: str) -> str:
    """Is another one when what .venv was made of is, or the folder was moved, or Python replaced."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def make(pins: str) -> None:
    """All of it anew, so that nothing stays of an interrupted one, nor a package that the lock has dropped."""
    count = len(re.findall(r"^\S+==", pins, re.MULTILINE))
    print(f"Making .venv with Python {sys.version.split()[0]}: {count} packages, 15 to 60 seconds", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, symlinks=True, with_pip=True)
    environment = surroundings() | sources()
    only_uv = VENV / "uv.txt"
    only_uv.write_text(re.search(r"^uv==.*\n( .*\n)+", pins, re.MULTILINE)[0])
    pip("install", "--quiet", "--only-binary=:all:", "--require-hashes", "-r", only_uv, environment=environment)
    # The hashes say which file is meant, whichever index has it.
    options = ["--require-hashes", "--index-strategy=unsafe-best-match"]
    options += ["--no-index"] if "PIP_NO_INDEX" in environment else []
    uv(*options, "--requirement", LOCK, environment=environment)


def surroundings() -> dict[str, str]:
    """The variables, without those that would lead pip, uv or Python elsewhere."""
    return {k: v for k, v in os.environ.items() if KEPT.fullmatch(k) or not MISLEADING.fullmatch(k)}


def sources() -> dict[str, str]:
    """Variables that tell pip and uv alike where from and how; each tool's own word goes before the other's."""
    told = pip_settings()
    variables = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for key, (names, between) in SHARED.items():
        of_uv = next((os.environ[name].split(between) for name in names if os.environ.get(name)), [])
        # uv may name an index, `mirror=https://...`; pip may be told of folders that are not there.
        of_pip = told.get(key) or [re.sub(r"^[\w.-]+=", "", value) for value in of_uv]
        of_uv = of_uv or [value for value in of_pip if key != "find-links" or "://" in value or Path(value).is_dir()]
        variables |= {variable(key): " ".join(of_pip), names[0]: (between or " ").join(of_uv)}
    for_all = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"))
    certificate = " ".join(told.get("cert", [])) or next(filter(None, for_all), "")
    variables |= {"PIP_CERT": certificate, "SSL_CERT_FILE": certificate}
    if proxy := " ".join(told.get("proxy", [])):
        variables |= dict.fromkeys(("PIP_PROXY", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
    if told.get("no-index"):
        variables["PIP_NO_INDEX"] = "1"
    return {name: value for name, value in variables.items() if value}


def pip_settings() -> dict[str, list[str]]:
    """What pip was told in its files and, before them, in variables."""
    files = {"PIP_CONFIG_FILE": os.environ["PIP_CONFIG_FILE"]} if "PIP_CONFIG_FILE" in os.environ else {}
    listed = pip("config", "list", environment=surroundings() | files)
    told = {}
    for section in ("global", "install"):
        for key, value in re.findall(rf"^{section}\.([a-z-]+)=(.*)$", listed, re.MULTILINE):
            told[key] = str(ast.literal_eval(value))
    keys = [*SHARED, "cert", "proxy", "no-index"]
    told |= {key: os.environ[variable(key)] for key in keys if os.environ.get(variable(key))}
    return {key: value.split() for key, value in told.items() if value.lower() not in ("0", "no", "false", "off")}


def variable(key: str) -> str:
    return "PIP_" + key.upper().replace("-", "_")


def pip(*arguments: str | Path, environment: dict[str, str]) -> str:
    return run("pip", [PYTHON, "-I", "-m", "pip", *arguments], environment)


def uv(*arguments: str | Path, environment: dict[str, str]) -> str:
    return run("uv", [UV, "pip", "install", "--quiet", "--python", PYTHON, *arguments], environment)


def run(tool: str, command: list[str | Path], environment: dict[str, str]) -> str:
    """What it prints; what it says of mistakes is shown."""
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(
            f"make: .venv is not complete: {tool} could not do its part, as it says above. A mirror and a certificate"
            " are named as for pip: PIP_INDEX_URL, PIP_CERT or pip.conf. Then run make again"
        )
    return done.stdout


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
