"""What the README shows is true: its program runs, its commands and documents exist."""

from __future__ import annotations

from pathlib import Path
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest

from siamx_ros.cli import COMMANDS


@pytest.fixture(scope='module')
def readme(repository: Path) -> str:
    return (repository / 'README.md').read_text(encoding='utf-8')


def test_the_program_tracks_a_video(readme: str, tmp_path: Path) -> None:
    [program] = re.findall(r'```python\n(.*?)```', readme, flags=re.DOTALL)
    (tmp_path / 'program.py').write_text(program)
    random = np.random.default_rng(0)
    image = random.integers(0, 255, (120, 160, 3), np.uint8)
    video = cv2.VideoWriter(
        str(tmp_path / 'clip.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 10, (160, 120))
    for _ in range(4):
        video.write(image)
    video.release()
    done = subprocess.run([sys.executable, 'program.py', 'clip.avi', '60,40,30,40'], cwd=tmp_path,
                          text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    assert all(
        re.fullmatch(r'[A-Z]+ \d\.\d\d [\d.,-]+', row) for row in done.stdout.splitlines())


def test_the_command_table_is_complete(readme: str) -> None:
    rows = re.findall(r'^\| `([a-z-]+)[^`]*` \| (.*) \|$', readme, flags=re.MULTILINE)
    assert dict(rows) == {name: text for name, (_, text) in COMMANDS.items()}


def test_linked_files_exist(readme: str, repository: Path) -> None:
    links = re.findall(r'\]\(([^)#]+)\)', readme)
    assert links
    assert [link for link in links if not (repository / link).exists()] == []


def test_make_targets_exist(readme: str, repository: Path) -> None:
    makefile = (repository / 'Makefile').read_text()
    for target in set(re.findall(r'^    make (\w+)', readme, flags=re.MULTILINE)):
        assert re.search(rf'^(?:\w+ )*{target}(?: \w+)*:', makefile, flags=re.MULTILINE), target
