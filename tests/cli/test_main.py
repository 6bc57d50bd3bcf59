import json
import subprocess
import sys

import pytest

from rowen.cli.main import GROUPS
from rowen.testing.processes import Nursery

APP = """
[app]
name = "demo"
[models.echo]
provider = "echo"
[retrieve.handbook]
embed = ""
source = "docs/*"
"""


@pytest.fixture(scope="module")
def run():
    """Runs the command line as a process of its own, in a folder."""
    nursery = Nursery(("rowen.cli.main", "rowen.cli.ask", "rowen.cli.index", "rowen.store.sqlite.store"))

    def run(folder, *words):
        return nursery.run(
            "import runpy; runpy.run_module('rowen', run_name='__main__', alter_sys=True)", *words, cwd=folder
        )

    yield run
    nursery.close()


def test_the_process_ends_with_the_code_that_a_command_gives(run, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text("# Leave\n\nEverybody has 28 days.")
    (tmp_path / "app.toml").write_text(APP)

    well = run(tmp_path, "index", "sync")
    (tmp_path / "docs").rename(tmp_path / "away")
    unreadable = run(tmp_path, "index", "sync")
    mistaken = run(tmp_path, "index", "sync", "absent.toml")

    ended = [each.returncode for each in (well, unreadable, mistaken, run(tmp_path, "--help"))]
    assert ended == [0, 4, 2, 0]


def test_the_help_shows_every_group_and_what_to_begin_with(run, tmp_path):
    said = run(tmp_path, "--help").stdout

    assert [name for name in GROUPS if f"\n{name}:\n" not in said] == []
    assert "rowen init FOLDER" in said


def test_a_command_that_is_none_is_told_with_the_nearest(run, tmp_path):
    done = run(tmp_path, "evall")

    assert done.returncode == 2
    assert "'eval'" in done.stderr


def test_a_wrong_option_is_json_too_where_json_is_asked_for(run, tmp_path):
    done = run(tmp_path, "traces", "list", "--limitt", "3", "--json")

    error = json.loads(done.stderr)["error"]
    assert (done.returncode, error["code"]) == (2, "field_invalid")
    assert "--limit" in error["message"]


def test_a_file_in_the_way_is_a_sentence_and_no_traceback(run, tmp_path):
    (tmp_path / "handbook").write_text("a file, no folder")

    done = run(tmp_path, "init", "handbook/inner")

    assert done.returncode == 4
    assert "handbook" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_read_enough_is_no_error(tmp_path):
    command = f"{sys.executable} -m rowen check --schema | true"

    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stderr == ""


def test_an_answer_is_json_where_a_script_asks(run, tmp_path):
    (tmp_path / "app.toml").write_text('[app]\nname = "demo"\n[models.echo]\nprovider = "echo"\n')

    done = run(tmp_path, "ask", "What grows?", "--json")

    said = json.loads(done.stdout)
    assert (said["answer"], said["model"], said["cost"]) == ("What grows?", "echo", "0")


def test_what_only_reads_the_store_waits_for_no_server_to_be_imported():
    program = "import sys, rowen.cli.keys, rowen.cli.traces; sys.exit('rowen.serve.apps' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_a_command_has_imported_is_not_searched_for_rubbish_and_what_it_makes_is():
    program = "import gc; from rowen.cli.main import rowen; rowen(['init', '--help'], standalone_mode=False)"
    program += "; assert gc.isenabled() and gc.get_freeze_count() > 10 * len(gc.get_objects()), gc.get_freeze_count()"

    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
