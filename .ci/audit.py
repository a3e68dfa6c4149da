"""
Look for known weaknesses in all that microagent and its extras install, with pip-audit in an environment of its own.

::

    python .ci/audit.py FOLDER

It fails on findings. Where the advisories cannot be had, it says so in a line and passes: nobody's tests fail because
somebody else's service is away, and nobody takes that for a clean bill of health.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WANTED = ".[all]"
OFFLINE = re.compile(r"Connection ?Error|Timeout|timed out|ProxyError|ServiceError|HTTPError|Name or service not known")
FAILED, PASSED = 1, 0


def verdict(report: Mapping[str, Any] | None, said: str) -> tuple[list[str], int]:
    """
    What is to be told, and the exit status.

    :param report: of pip-audit, ``--format json``; None: it wrote none
    :param said: what it wrote to stderr
    """
    if report is None:
        reason = (said.strip().splitlines() or ["it says nothing"])[-1]
        return [f"audit: NOTHING IS AUDITED: {reason[:300]}"], PASSED if OFFLINE.search(said) else FAILED
    packages: Sequence[Mapping[str, Any]] = report["dependencies"]
    found = [f"audit: {weakness}" for package in packages for weakness in _weaknesses(package)]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if found:
        return found, FAILED
    if len(skipped) == len(packages):
        return ["audit: NOTHING IS AUDITED: the advisories of no package can be had from here"], PASSED
    rest = f"; NOT AUDITED: {', '.join(skipped)}" if skipped else ""
    return [f"audit: {len(packages) - len(skipped)} packages, nothing is known against them{rest}"], PASSED


def _weaknesses(package: Mapping[str, Any]) -> list[str]:
    return [
        f"{package['name']} {package['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'none'}"
        for each in package.get("vulns", ())
    ]


def pins() -> list[str]:
    """What would be installed today, ``name==version`` each."""
    asked = ("install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", WANTED)
    told = subprocess.run((sys.executable, "-m", "pip", *asked), capture_output=True, text=True, check=True)
    packages = [each["metadata"] for each in json.loads(told.stdout)["install"]]
    return [f"{each['name']}=={each['version']}" for each in packages if each["name"] != "microagent"]


def audited(folder: Path) -> tuple[Mapping[str, Any] | None, str]:
    """What pip-audit reports, if anything, and what it writes to stderr."""
    program, listed = folder / "bin" / "pip-audit", folder / "packages.txt"
    if not program.exists() and not _installed(folder):
        return None, "ConnectionError: pip-audit cannot be installed"
    listed.write_text("\n".join(pins()) + "\n")
    options = ("--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json", "--requirement")
    told = subprocess.run((str(program), *options, str(listed)), capture_output=True, text=True, check=False)
    try:
        return json.loads(told.stdout), told.stderr
    except ValueError:
        return None, told.stderr


def _installed(folder: Path) -> bool:
    subprocess.run((sys.executable, "-m", "venv", str(folder)), check=True)
    pip = (str(folder / "bin" / "pip"), "install", "--quiet", "pip-audit")
    return subprocess.run(pip, check=False).returncode == 0


def main() -> int:
    lines, status = verdict(*audited(Path(sys.argv[1])))
    print(*lines, sep="\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
