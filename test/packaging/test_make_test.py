"""`make test` runs the tests in two parts, and fails when one of them does.

What failed is run once more, without what ran beside it.
"""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import subprocess

from command_line import python
import pytest

PYTEST = """#!/bin/sh
echo "$@" >> calls
case "$*" in *--last-failed*) exit $AGAIN;; *--part=parallel*) exit $PARALLEL;; esac
exit $SERIAL
"""


def make(repository: Path, folder: Path, *arguments: str, **statuses: int) -> str | None:
    """Run make with a Python that ends as told; what it said of errors, None if there was none."""
    shutil.copy(repository / 'Makefile', folder)
    (folder / '.build').mkdir(exist_ok=True)
    (folder / '.build/env.sh').touch()
    python = folder / 'python'
    python.write_text(PYTEST)
    python.chmod(0o755)
    env = {**os.environ, 'PATH': f'{folder}:{os.environ["PATH"]}', 'MAKEFLAGS': '',
           **{name: str(status) for name, status in statuses.items()}}
    done = subprocess.run(['make', 'PYTHON=true', *arguments], cwd=folder, env=env,
                          capture_output=True, text=True, timeout=60)
    return done.stderr if done.returncode else None


def make_test(repository: Path, folder: Path, parallel: int, serial: int,
              again: int = 1) -> tuple[int, list[str]]:
    """Whether make failed, and the calls of Python, for parts that end as given."""
    error = make(repository, folder, 'test', 'ARGS=test/x.py -k y', PARALLEL=parallel,
                 SERIAL=serial, AGAIN=again)
    return int(error is not None), (folder / 'calls').read_text().splitlines()


@pytest.mark.parametrize('parallel, serial, passes', [
    (0, 0, True), (0, 5, True), (5, 0, True), (5, 5, False), (0, 2, False)])
def test_both_parts_run_and_both_must_pass(repository, tmp_path, parallel, serial, passes) -> None:
    status, (first, second) = make_test(repository, tmp_path, parallel, serial)
    assert (status == 0) == passes
    assert '-n 2 --dist=loadfile --no-loadscope-reorder test/x.py -k y' in first
    assert second == '-m pytest --part=serial test/x.py -k y'


@pytest.mark.parametrize('again, serial, passes', [
    (0, 0, True), (0, 5, True), (1, 0, False), (1, 5, False), (2, 0, False), (5, 0, False)])
def test_what_failed_runs_once_more(repository, tmp_path, again, serial, passes) -> None:
    status, (_, second, third) = make_test(repository, tmp_path, 1, serial, again)
    assert (status == 0) == passes
    assert second == ('-m pytest --part=parallel --last-failed --last-failed-no-failures=none '
                      'test/x.py -k y')
    assert third == '-m pytest --part=serial test/x.py -k y'


@pytest.mark.parametrize('parallel', [0, 5])
@pytest.mark.parametrize('again', [0, 1, 5])
def test_what_failed_of_the_serial_part_does_too(repository, tmp_path, parallel, again) -> None:
    status, (*_, third) = make_test(repository, tmp_path, parallel, 1, again)
    assert (status == 0) == (again == 0)
    assert third == ('-m pytest --part=serial --last-failed --last-failed-no-failures=none '
                     'test/x.py -k y')


@pytest.mark.parametrize('status', [2, 4])
def test_an_interruption_or_a_wrong_option_ends_it(repository, tmp_path, status) -> None:
    code, calls = make_test(repository, tmp_path, status, 0)
    assert code != 0 and len(calls) == 1


def test_the_parts_are_the_whole(repository: Path) -> None:
    """Every test belongs to one part; without the option all are collected, as colcon does."""
    def collected(*part: str) -> list[str]:
        done = python('-m', 'pytest', '--collect-only', '-q', *part, 'test/tools/test_benchmark.py',
                      cwd=repository)
        return [line for line in done.stdout.splitlines() if '::' in line]

    parallel, serial = collected('--part=parallel'), collected('--part=serial')
    assert parallel and serial and not set(parallel) & set(serial)
    assert sorted(parallel + serial) == sorted(collected())


def test_a_run_is_bound_to_its_data_only_once_it_was_begun(repository, tmp_path) -> None:
    def train(data: str) -> str | None:
        return make(repository, tmp_path, 'train', f'DATA={data}', 'FEAR=x.onnx', SERIAL=0)
    assert make(repository, tmp_path, 'train', 'DATA=mistyped', 'FEAR=x.onnx', SERIAL=2)
    assert train('right') is None
    (tmp_path / 'runs/default/last.pt').touch()
    assert 'begun with other DATA' in train('other') and train('right') is None
