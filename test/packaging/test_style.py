"""The code keeps to the style that setup.cfg sets, in modules that can be read at once."""

from __future__ import annotations

from pathlib import Path

from command_line import python
import pytest

pytest.importorskip('flake8', reason='flake8 is not installed')


def test_flake8_has_nothing_to_say(repository: Path) -> None:
    code = [name for name in ('siamx_ros', 'launch', 'scripts', 'test', 'tools', 'setup.py')
            if (repository / name).exists()]
    done = python('-m', 'flake8', *code, cwd=repository)
    assert (done.stdout, done.stderr, done.returncode) == ('', '', 0)


def test_no_module_is_longer_than_250_lines(repository: Path) -> None:
    lengths = {str(path.relative_to(repository)): len(path.read_text(encoding='utf-8').splitlines())
               for folder in ('siamx_ros', 'launch', 'test', 'tools')
               for path in (repository / folder).rglob('*.py')}
    assert {name: length for name, length in lengths.items() if length > 250} == {}
