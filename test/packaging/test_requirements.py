"""Pinned versions for make, ranges for pip, keys for rosdep: they name the same packages."""

from __future__ import annotations

from pathlib import Path
import re
import runpy
from xml.etree import ElementTree

import pytest

packaging = pytest.importorskip('packaging.requirements', reason='packaging is not installed')

ROSDEP_KEYS = {
    'numpy': 'python3-numpy', 'opencv-python-headless': 'python3-opencv', 'pyyaml': 'python3-yaml',
    'torch': 'python3-torch', 'tqdm': 'python3-tqdm', 'matplotlib': 'python3-matplotlib',
    'aiohttp': 'python3-aiohttp'}


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith('#')]


@pytest.fixture
def metadata(repository: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """What setup.py tells setuptools."""
    setuptools = pytest.importorskip('setuptools')
    seen: dict = {}
    monkeypatch.setattr(setuptools, 'setup', lambda **given: seen.update(given))
    monkeypatch.chdir(repository)
    runpy.run_path(str(repository / 'setup.py'))
    return seen


def test_everything_is_pinned_once_and_comes_from_where_pip_looks(repository: Path) -> None:
    files = set((repository / 'requirements').glob('*.txt'))
    of_a_distribution = {path for path in files if path.stem.startswith('ros-')}
    assert len(files) == 6 and len(of_a_distribution) == 2
    for distribution in of_a_distribution:
        names = []
        for path in files - of_a_distribution | {distribution}:
            for line in lines(path):
                assert re.fullmatch(r'[\w.-]+(\[\w+\])?==[\w.]+', line), line
                names.append(packaging.Requirement(line).name.lower().replace('_', '-'))
        assert sorted(set(names)) == sorted(names)


def test_the_pins_lie_within_the_ranges_of_pip(repository: Path, metadata: dict) -> None:
    texts = [line for name in ('main', 'nodeps')
             for line in lines(repository / f'requirements/{name}.txt')]
    pins = {r.name.lower(): r for r in map(packaging.Requirement, texts)}
    ranges = [*metadata['install_requires'],
              *(text for extra in metadata['extras_require'].values() for text in extra)]
    for wanted in map(packaging.Requirement, ranges):
        [pin] = pins[wanted.name.lower()].specifier
        assert wanted.specifier.contains(pin.version), (str(wanted), str(pin))


def test_rosdep_installs_what_the_core_needs(repository: Path, metadata: dict) -> None:
    keys = {element.text for element in ElementTree.parse(repository / 'package.xml').iter()
            if element.tag in ('depend', 'exec_depend')}
    core = {packaging.Requirement(text).name.lower() for text in metadata['install_requires']}
    assert core <= set(ROSDEP_KEYS)
    assert set(ROSDEP_KEYS.values()) <= keys
    assert not [key for key in keys if key.endswith('-pip')]


def test_pip_installs_the_files_that_are_no_modules(repository: Path, metadata: dict) -> None:
    package = repository / 'siamx_ros'
    listed = {path for pattern in metadata['package_data']['siamx_ros']
              for path in package.glob(pattern)}
    assert listed == {path for path in package.rglob('*') if path.is_file()
                      and path.suffix != '.py' and '__pycache__' not in path.parts}


def test_what_nodes_and_launch_files_import_is_depended_on(repository: Path) -> None:
    keys = {element.text for element in ElementTree.parse(repository / 'package.xml').iter()
            if element.tag in ('depend', 'exec_depend')}
    used: set[str] = set()
    for path in [*repository.glob('siamx_ros/*/*.py'), *repository.glob('launch/*.py'),
                 *repository.glob('msg/*'), *repository.glob('srv/*')]:
        text = path.read_text()
        used |= set(re.findall(
            r'^\s*(?:from|import) (\w+_(?:msgs|srvs|interfaces|python|ros)|rclpy|launch)\b',
            text, re.MULTILINE))
        used |= set(re.findall(r'^(\w+)/[A-Z]\w+ ', text, re.MULTILINE))
    assert {'vision_msgs', 'rcl_interfaces', 'ament_index_python', 'launch_ros'} <= used
    assert used - {'siamx_ros'} <= keys
