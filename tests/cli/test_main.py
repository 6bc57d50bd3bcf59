import subprocess
import sys

APP = """
[app]
name = "demo"
[models.echo]
provider = "echo"
[retrieve.handbook]
embed = ""
source = "docs/*"
"""


def rowen(folder, *words):
    command = [sys.executable, "-m", "rowen", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).returncode


def test_the_process_ends_with_the_code_that_a_command_gives(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text("# Leave\n\nEverybody has 28 days.")
    (tmp_path / "app.toml").write_text(APP)

    well = rowen(tmp_path, "index", "sync")
    (tmp_path / "docs").rename(tmp_path / "away")
    unreadable = rowen(tmp_path, "index", "sync")
    mistaken = rowen(tmp_path, "index", "sync", "absent.toml")

    assert (well, unreadable, mistaken, rowen(tmp_path, "--help")) == (0, 4, 2, 0)
