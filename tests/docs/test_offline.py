"""The README says that nothing needs a network once packages and weights are here: run where there is none."""

import os
import shutil
import subprocess
import sys

import pytest

# A fresh network namespace has only a loopback that is down. 0x8914 is SIOCSIFFLAGS, 0x1 is IFF_UP.
DEMO = """
import errno, fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", b"lo", 0x1, b""))
    assert any_socket.connect_ex(("192.0.2.1", 9)) == errno.ENETUNREACH
os.execv(sys.executable, [sys.executable, "-m", "rowen", "demo", "--once"])
"""


def namespace() -> list[str]:
    """Return the command that takes the network away; empty where this machine does not allow it."""
    tool = shutil.which("unshare")
    for flags in ("-n", "-rn"):
        if tool and subprocess.run([tool, flags, "true"], capture_output=True, check=False).returncode == 0:
            return [tool, flags]
    return []


@pytest.mark.local
@pytest.mark.long
@pytest.mark.skipif(os.environ.get("ROWEN_TEST_LOCAL") != "1", reason="needs the weights: set ROWEN_TEST_LOCAL=1")
def test_the_whole_demo_runs_where_there_is_no_network():
    alone = namespace()
    if not alone:
        pytest.skip("NOT TESTED: this machine lets nobody make a network namespace")

    done = subprocess.run(
        [*alone, sys.executable, "-c", DEMO], capture_output=True, text=True, timeout=900, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "the fallback answers" in done.stdout
