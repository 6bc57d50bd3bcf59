"""Commands for a shell that begin at once: a small program of the same name has them forked from a nursery.

What is forked reads and prints where the small program does, in its folder and its environment; signals go on to it, it is
killed when the small program is, and its end is the end of both.
"""

import sys
from pathlib import Path

from rowen.testing.processes import Nursery

ROWEN = "import sys; from rowen.cli.main import main; sys.exit(main())"
"""The command line."""

PYTHON = """
import os, sys
from types import ModuleType
if not os.path.isfile("".join(sys.argv[1:2])):  # code, a module, what people type, or a file that is not there
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
del sys.argv[0]
with open(sys.argv[0], "rb") as text:
    code = compile(text.read(), sys.argv[0], "exec")
file = os.path.join(os.getcwd(), sys.argv[0])
sys.path.insert(0, os.path.dirname(os.path.realpath(file)))
main = sys.modules["__main__"] = ModuleType("__main__")
main.__file__ = file
exec(code, main.__dict__)
"""
"""The interpreter, for the files of programs; with anything else it is started anew."""

# No `site`, nothing of the environment: it begins in 20 ms of CPU, and needs the standard library alone.
_COMMAND = """#!{python} -IS
import os, signal, socket, sys

PASSED_ON = {{signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT}}
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as nursery:
    def pass_on(number, frame):
        try:
            nursery.send(bytes([number]))
        except OSError:
            pass  # it has just ended

    nursery.connect({door!r})
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # none comes between what is wanted and who passes it on
    env = (name + b"=" + value for name, value in os.environb.items())
    words = [{program!r}, os.getcwd(), str(len(sys.argv)), *sys.argv, "env"]
    socket.send_fds(nursery, [b"\\0".join([*map(os.fsencode, words), *env])], [0, 1, 2])
    for number in PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    nursery.recv(20)  # its process id
    code = int(nursery.recv(20))
if code < 0:
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


def write_command(file: Path, nursery: Nursery, program: str) -> None:
    """Write a command that has a program forked; the text of the program finds the words of the command in `sys.argv`."""
    file.write_text(_COMMAND.format(python=sys.executable, door=str(nursery.door), program=program), encoding="utf-8")
    file.chmod(0o755)
