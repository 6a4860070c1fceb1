"""`pip install .` gives the core: it needs no ROS; importing the package needs nothing heavy."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
import subprocess

from command_line import python
import pytest

EDGES = tuple(f'siamx_ros.{name}' for name in (
    'node.', 'client.', 'tools.', 'demo.', 'follow_demo.', 'follower.', 'panel.', 'qos'))
"""Where ROS may be imported."""
HEAVY = ('torch', 'numpy', 'rclpy', 'cv2', 'matplotlib', 'vision_msgs', 'launch')

BLOCK_ROS = '''
import sys

class NoRos:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('rclpy', 'launch', 'ament_index_python', 'rosidl_parser') \\
                or name.partition('.')[0].endswith('_msgs'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)

sys.meta_path.insert(0, NoRos())
'''


def run_python(code: str, site: Path, cwd: Path) -> subprocess.CompletedProcess:
    """Run code with a site folder before everything else that was on the path."""
    return python('-c', code, cwd=cwd, PYTHONPATH=str(site), PYTHONSAFEPATH='1')


@pytest.fixture(scope='module')
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip installed the package, from a copy of the tree."""
    copy, target = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('site')
    for name in ('setup.py', 'setup.cfg', 'README.md', 'siamx_ros'):
        subprocess.run(['cp', '-r', str(repository / name), str(copy)], check=True)
    done = python('-m', 'pip', 'install', '--quiet', '--no-deps', '--no-build-isolation',
                  '--no-index', '--disable-pip-version-check', '--target', target, copy,
                  timeout=300)
    assert done.returncode == 0, done.stderr
    return target


def test_importing_the_package_loads_nothing_heavy(site: Path, tmp_path: Path) -> None:
    code = ('import sys, siamx_ros; print(siamx_ros.__file__); '
            f'print(set(sys.modules) & {set(HEAVY)})')
    done = run_python(code, site, tmp_path)
    assert done.returncode == 0, done.stderr
    where, loaded = done.stdout.splitlines()
    assert where.startswith(str(site))
    assert loaded == 'set()'


def test_every_core_module_imports_without_ros(site: Path, tmp_path: Path) -> None:
    modules = sorted(
        '.'.join(path.relative_to(site).with_suffix('').parts)
        for path in (site / 'siamx_ros').rglob('*.py')
        if find_spec('panda3d') or 'panda3d' not in path.read_text())
    core = [name.removesuffix('.__init__') for name in modules
            if not name.startswith(EDGES)
            and not name.endswith('__main__')]
    assert len(core) > 20
    code = BLOCK_ROS + '\n'.join(f'import {name}' for name in core)
    done = run_python(code, site, tmp_path)
    assert done.returncode == 0, done.stderr


def test_public_names_work_from_the_pip_installation(site: Path, tmp_path: Path) -> None:
    code = BLOCK_ROS + '''
import siamx_ros
for name in siamx_ros.__all__:
    getattr(siamx_ros, name)
print(siamx_ros.BoundingBox(1, 2, 3, 4))
'''
    done = run_python(code, site, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == '1,2,3,4\n'


def test_weights_are_installed_as_data(repository: Path, site: Path) -> None:
    shipped = {path.name for path in (repository / 'siamx_ros/weights').glob('*.pt')}
    assert shipped, 'siamx_ros/weights ships no model'
    assert {path.name for path in (site / 'siamx_ros/weights').glob('*.pt')} == shipped


def test_console_script_is_installed(site: Path, tmp_path: Path) -> None:
    done = run_python(
        "from importlib.metadata import entry_points as e; "
        "[s] = e(group='console_scripts', name='siamx'); print(s.value, s.load().__module__)",
        site, tmp_path)
    assert done.stdout.split() == ['siamx_ros.cli:main', 'siamx_ros.cli'], done.stderr


def test_the_version_is_the_same_everywhere(repository: Path) -> None:
    import re
    from xml.etree import ElementTree

    import siamx_ros
    xml = ElementTree.parse(repository / 'package.xml').findtext('version')
    source = (repository / 'siamx_ros/__init__.py').read_text()
    assert re.search(r"__version__ = '(.*)'", source)[1] == xml == siamx_ros.__version__
