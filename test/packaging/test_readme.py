"""What the README shows is true: its program runs, its tables are whole."""

from __future__ import annotations

from pathlib import Path
import re

from command_line import python
import cv2
import numpy as np
import pytest
from security_policy import own_names

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
    done = python('program.py', 'clip.avi', '60,40,30,40', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    assert all(
        re.fullmatch(r'[A-Z]+ \d\.\d\d [\d.,-]+', row) for row in done.stdout.splitlines())


def test_the_command_table_is_complete(readme: str) -> None:
    section = readme.partition('\n## Commands\n')[2].partition('\n## ')[0]
    rows = re.findall(r'^\| `([a-z-]+)[^`]*` \| (.*) \|$', section, flags=re.MULTILINE)
    assert dict(rows) == {name: text for name, (_, text) in COMMANDS.items()}


def test_the_table_of_topics_and_services_is_complete(readme: str, repository: Path) -> None:
    section = readme.partition('\n## Topics and services\n')[2].partition('\n## ')[0]
    names = [name for node in ('siamx_tracker', 'follower')
             for name in own_names(repository, node) if not name.startswith('siamx_tracker/')]
    assert len(names) > 20
    assert [name for name in names if f'`{name}`' not in section] == []
