"""A container grants fewer cores than the machine has."""

import os

import pytest

from rowen.provider.cores import cores, limit

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def granted(folder, **files):
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("cpu_max", "cpu.max").replace("cpu_cfs", "cpu.cfs")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return limit(folder, {})


@pytest.mark.parametrize(
    ("text", "number"),
    [("100000 100000\n", 1), ("150000 100000\n", 1), ("20000 100000\n", 1), ("max 100000\n", 0)]
    + [(text, 0) for text in ("", "max", "1 0", "-1 100000", "a b", "1 2 3", "\u0661 1")],
)
def test_whole_cores_of_a_control_group_are_taken_and_nothing_is_made_of_what_says_none(tmp_path, text, number):
    assert granted(tmp_path, cpu_max=text) == number


@pytest.mark.parametrize(("quota", "number"), [("100000\n", 1), ("-1\n", 0), ("", 0)])
def test_the_first_version_of_control_groups_is_read_too(tmp_path, quota, number):
    assert granted(tmp_path, cpu__cpu_cfs_quota_us=quota, cpu__cpu_cfs_period_us="100000\n") == number


def test_no_more_are_taken_than_there_are(tmp_path):
    assert granted(tmp_path, cpu_max="900000000 1000\n") == HERE


def test_without_any_limit_it_is_the_cores_that_the_system_lets_the_process_run_on(tmp_path):
    assert limit(tmp_path, {}) == 0
    assert cores(tmp_path, {}) == HERE


@pytest.mark.parametrize(("told", "number"), [("3", 3), ("3,2", 3), (" 4 ", 4), ("0", 1), ("many", 1), ("", 1)])
def test_what_the_user_says_goes_before_what_the_container_grants(tmp_path, told, number):
    (tmp_path / "cpu.max").write_text("100000 100000")

    assert limit(tmp_path, {"OMP_NUM_THREADS": told}) == number
