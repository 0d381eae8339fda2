"""Plain ``mn`` builds a shipped topology, carries traffic over the spliced fibres and leaves nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xcnet.model.load import shipped_topologies

pytestmark = pytest.mark.lab

FILE = Path(str(shipped_topologies()["minimal"])).parent / "mininet_topos.py"

COMMANDS = """\
gcp-app iperf3 -s -D -1 -p 5201
gcp-app iperf3 -s -D -1 -p 5202
gcp-app until ss -ltn | grep -q :5201; do sleep 0.1; done
gcp-app until ss -ltn | grep -q :5202; do sleep 0.1; done
aws-app iperf3 -c 10.20.0.2 -p 5201 -n 1M
aws-app iperf3 -6 -c fd00:10:20::2 -p 5202 -n 1M
"""


def interfaces() -> str:
    return subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout


def test_mn_connects_the_hosts_through_the_facility(tmp_path: Path) -> None:
    (tmp_path / "commands").write_text(COMMANDS)
    before = interfaces()
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin"
    result = subprocess.run(
        ["/usr/bin/mn", "--custom", FILE, "--topo", "minimal", "--test", "none", "--post", tmp_path / "commands"],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert said.count("iperf Done.") == 2, said
    assert "connected to 10.20.0.2" in said and "connected to fd00:10:20::2" in said
    assert "*** Done" in said
    assert interfaces() == before
