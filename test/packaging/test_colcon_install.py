"""colcon installs our modules beside the generated messages, with links and with copies."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

LATE_EMPTY_PACKAGE = '''ament_package()
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/late/__init__.py "")
install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/late/ DESTINATION ${PYTHON_INSTALL_DIR}/siamx_ros)
'''
"""Distributions after Kilted install the generator's empty __init__.py in ament_package()."""

CODE = '''
import siamx_ros, siamx_ros.msg, siamx_ros.srv, siamx_ros.records
from siamx_ros.msg import TrackedTarget
assert siamx_ros.__version__ and "load_tracker" in siamx_ros.__all__
assert TrackedTarget.STATE_LOST == siamx_ros.TrackState.LOST
print(siamx_ros.__file__)
'''


@pytest.fixture(scope='module')
def workspace(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a copy of the package whose generator comes late."""
    root = tmp_path_factory.mktemp('workspace')
    source = root / 'src/siamx_ros'
    source.mkdir(parents=True)
    for name in ('msg', 'srv', 'siamx_ros', 'launch', 'config', 'scripts'):
        shutil.copytree(repository / name, source / name,
                        ignore=shutil.ignore_patterns('__pycache__'))
    shutil.copy(repository / 'package.xml', source)
    lists = (repository / 'CMakeLists.txt').read_text()
    assert lists.count('ament_package()\n') == 1
    (source / 'CMakeLists.txt').write_text(lists.replace('ament_package()\n', LATE_EMPTY_PACKAGE))
    return root


@pytest.mark.slow
@pytest.mark.ros
def test_modules_and_messages_live_side_by_side(workspace: Path) -> None:
    """Installed with copies, then with links; what the first compiled serves the second, too."""
    colcon = shutil.which('colcon')
    if not colcon:
        pytest.skip('colcon is not installed')
    for links in ([], ['--symlink-install']):
        base = workspace / ('links' if links else 'copies')
        # Copies of modules lie where the second build puts links.
        shutil.rmtree(workspace / 'build/siamx_ros/ament_cmake_python', ignore_errors=True)
        done = subprocess.run(
            [colcon, '--log-base', workspace / 'log', 'build', '--base-paths', workspace / 'src',
             '--build-base', workspace / 'build', '--install-base', base, *links,
             '--cmake-args', '-DBUILD_TESTING=OFF', f'-DPython3_EXECUTABLE={sys.executable}'],
            cwd=workspace, text=True, capture_output=True, timeout=300,
            env={**os.environ, 'CMAKE_PREFIX_PATH': os.environ.get('AMENT_PREFIX_PATH', '')})
        assert done.returncode == 0, done.stdout + done.stderr
        check_modules(base / 'siamx_ros', bool(links))
        check_files(base / 'siamx_ros')


def check_modules(install: Path, links: bool) -> None:
    """Our modules and the messages import from the installation."""
    [package] = install.glob('l*/**/siamx_ros/records.py')
    assert package.is_symlink() == links
    env = {**os.environ, 'PYTHONSAFEPATH': '1', 'PYTHONPATH': str(package.parents[1]),
           'LD_LIBRARY_PATH': f'{install}/lib:{os.environ.get("LD_LIBRARY_PATH", "")}'}
    done = subprocess.run([sys.executable, '-c', CODE], env=env, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(install))


def check_files(install: Path) -> None:
    """Launch files, parameters, weights and executables are where ROS looks for them."""
    assert (install / 'share/siamx_ros/launch/tracker.launch.py').exists()
    assert (install / 'share/siamx_ros/config/tracker.yaml').exists()
    assert os.access(install / 'lib/siamx_ros/tracker_node', os.X_OK)
    assert list(install.glob('l*/**/siamx_ros/weights/*.pt'))
    assert list(install.glob('l*/**/siamx_ros/panel/static/index.html'))
    assert not list(install.glob('**/vision_msgs'))
