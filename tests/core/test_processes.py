"""The processes below one are all of them, grandchildren too, and none that has ended."""

import os
import subprocess
import sys

from harness.core.processes import descendants

PARENT = "import subprocess, sys; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); child.wait()"


def test_children_and_grandchildren_are_below_a_process_until_they_end() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        grandchild = int(parent.stdout.readline())
        below = descendants(os.getpid())
        assert below.index(parent.pid) < below.index(grandchild)
        assert descendants(parent.pid) == [grandchild]
        os.kill(grandchild, 9)
        parent.wait()
    assert not {parent.pid, grandchild} & set(descendants(os.getpid()))
