"""The set-up of a machine without ROS: what is missing is said in one sentence."""

from __future__ import annotations

import importlib.util
from operator import attrgetter
import os
from pathlib import Path
import shutil
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

TOOLS = ('python3', 'make', 'sh', 'cmake', 'cc', 'c++')


@pytest.fixture
def bare(repository: Path) -> ModuleType:
    """tools/bare_machine.py as a fresh module."""
    spec = importlib.util.spec_from_file_location(
        'bare_machine', repository / 'tools/bare_machine.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_with(tools: tuple[str, ...], repository: Path, tmp_path: Path,
              *arguments: str) -> subprocess.CompletedProcess:
    """Run make in a copy of the tree on a PATH that holds only some tools."""
    copy, path = tmp_path / 'copy', tmp_path / 'bin'
    path.mkdir()
    for name in tools:
        real = sys.executable if name == 'python3' else shutil.which(name)
        (path / name).symlink_to(real)
    (copy / 'tools').mkdir(parents=True)
    shutil.copy(repository / 'Makefile', copy)
    shutil.copy(repository / 'tools/bare_machine.py', copy / 'tools')
    env = {'PATH': str(path), 'HOME': str(tmp_path)}
    return subprocess.run([shutil.which('make'), *arguments], cwd=copy, env=env, text=True,
                          capture_output=True, timeout=60)


@pytest.mark.parametrize(('missing', 'words', 'package'), [
    ('cmake', 'cmake was not found', 'cmake'), ('cc', 'a C compiler was not found', 'gcc'),
    ('c++', 'a C++ compiler was not found', 'g++')])
@pytest.mark.parametrize('target', ['test', 'demo'])
def test_a_missing_tool_is_named(repository, tmp_path, missing, words, package, target) -> None:
    tools = tuple(name for name in TOOLS if name != missing)
    done = make_with(tools, repository, tmp_path, target)
    errors = [row for row in done.stderr.splitlines() if row.startswith('error:')]
    assert done.returncode != 0
    assert errors == [f'error: {words} on the PATH; install it, e.g. `sudo apt install {package}`.']
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'copy/.venv').exists()


@pytest.mark.parametrize('version', [(3, 10, 12), (3, 15, 0)])
def test_a_wrong_python_is_refused(bare, monkeypatch, capsys, version) -> None:
    monkeypatch.setattr(bare, 'sys', SimpleNamespace(
        version_info=version, executable='/usr/bin/python3', platform='linux', stderr=sys.stderr))
    assert bare.main() == 2
    error = capsys.readouterr().err
    assert f'/usr/bin/python3 is 3.{version[1]}' in error
    assert '3.11 to 3.14' in error and error.count('\n') == 1


@pytest.mark.parametrize('place, stand_in, words', [
    ('platform.machine', lambda real: lambda: 'riscv64', 'riscv64'),
    *(('importlib.util.find_spec', lambda real, gone=gone: (
        lambda name: None if name == gone else real(name)), 'python3-venv')
      for gone in ('venv', 'ensurepip')),
    ('sysconfig.get_paths', lambda real: lambda: {'include': '/nowhere'}, 'python3-dev')])
def test_what_the_machine_lacks_is_named(bare, monkeypatch, place, stand_in, words) -> None:
    owner, _, name = place.rpartition('.')
    owner = attrgetter(owner)(bare)
    monkeypatch.setattr(owner, name, stand_in(getattr(owner, name)))
    with pytest.raises(bare.SetupError, match=words):
        bare.check_machine()


def test_a_distribution_without_wheels_is_refused(repository, tmp_path) -> None:
    done = make_with(TOOLS, repository, tmp_path, 'setup', 'DISTRO=humble')
    assert done.returncode != 0 and not (tmp_path / 'copy/.venv').exists()
    assert 'error: DISTRO is humble, there are wheels for jazzy and kilted.' in done.stderr


@pytest.mark.parametrize('made, ours', [('jazzy', True), ('kilted', False)])
def test_an_environment_is_of_one_distribution(bare, monkeypatch, tmp_path, made, ours) -> None:
    monkeypatch.setattr(bare, 'VENV', tmp_path)
    monkeypatch.setattr(bare, 'DISTRO', 'jazzy')
    (tmp_path / 'pyvenv.cfg').write_text(f"prompt = '{made}'\n")
    answer = f'{sys.version} {sys.base_prefix} {tmp_path}\n'
    monkeypatch.setattr(bare.subprocess, 'run', lambda *_, **__: SimpleNamespace(stdout=answer))
    assert bare.is_ours(Path(sys.executable)) == ours


def test_a_failing_step_ends_with_one_sentence(bare, monkeypatch, capfd) -> None:
    monkeypatch.setattr(bare, 'check_machine', lambda: None)
    monkeypatch.setattr(bare, 'install_wheels', lambda: bare.run(
        [sys.executable, '-c', 'raise SystemExit(3)'], dict(os.environ)))
    assert bare.main() == 2
    assert 'failed with status 3' in capfd.readouterr().err


def test_wheels_are_pointed_at_this_interpreters_headers(bare, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(bare, 'VENV', tmp_path)
    monkeypatch.setattr(bare, 'run', lambda *_, **__: '/here/numpy/include\n')
    file = tmp_path / 'share/some_msgs/cmake/export.cmake'
    file.parent.mkdir(parents=True)
    file.write_text(
        'INCLUDE "${_IMPORT_PREFIX}/include;/opt/python/cp311-cp311/include/python3.11;'
        '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include"\n')
    headers = bare.sysconfig.get_paths()['include']
    for _ in range(2):
        bare.correct_include_paths(Path(sys.executable))
        assert file.read_text() == (
            f'INCLUDE "${{_IMPORT_PREFIX}}/include;{headers};/here/numpy/include"\n')


def test_a_sourced_ros_does_not_leak_in(bare, monkeypatch) -> None:
    for name in ('AMENT_PREFIX_PATH', 'COLCON_PREFIX_PATH', 'PYTHONPATH', 'CMAKE_PREFIX_PATH',
                 'ROS_DISTRO'):
        monkeypatch.setenv(name, '/opt/ros/rolling')
    assert '/opt/ros/rolling' not in bare.clean_environment().values()
    assert '/opt/ros/rolling' not in bare.build_environment().values()


def test_nothing_is_done_twice(bare, monkeypatch) -> None:
    """With both stamps fresh no command is run; a new source file makes a build necessary."""
    if not (bare.BUILD / 'siamx_ros.stamp').exists():
        pytest.skip('not set up by tools/bare_machine.py')
    done: list[list] = []
    monkeypatch.setattr(bare, 'run', lambda command, *_, **__: done.append(command) or '')
    bare.install_wheels()
    assert not done, 'the wheels would be installed again'


@pytest.fixture
def builds(bare, monkeypatch, tmp_path) -> list[list]:
    """A small tree in tmp_path for bare.build_package(), and the commands that it runs."""
    for name in bare.BUILT:
        (tmp_path / name).mkdir() if '.' not in name else (tmp_path / name).touch()
    (tmp_path / 'msg/A.msg').write_text('bool a\n')
    (tmp_path / 'siamx_ros/a.py').write_text('')
    (tmp_path / '.venv').mkdir()
    (tmp_path / '.venv/siamx_ros.stamp').touch()
    for name, folder in (('ROOT', ''), ('VENV', '.venv'), ('BUILD', '.build'),
                         ('INSTALL', '.build/install')):
        monkeypatch.setattr(bare, name, tmp_path / folder)
    commands: list[list] = []
    monkeypatch.setattr(bare, 'run', lambda command, *_, **__: commands.append(command) or '')
    return commands


def test_what_the_build_depends_on(bare, builds, tmp_path) -> None:
    """Changing a message or adding a module needs a build, changing a module does not."""
    def count() -> int:
        bare.build_package()
        return len(builds)

    assert count() == 1
    assert count() == 1
    (tmp_path / 'siamx_ros/a.py').write_text('a = 1\n')
    assert count() == 1
    (tmp_path / 'siamx_ros/b.py').write_text('')
    assert count() == 2
    (tmp_path / 'msg/A.msg').write_text('bool b\n')
    assert count() == 3
    assert (tmp_path / '.build/src/siamx_ros/siamx_ros/b.py').exists()


@pytest.mark.parametrize('real', [False, True])
def test_interfaces_are_built_only_where_there_are_none(bare, builds, tmp_path, real) -> None:
    assert bare.OVERLAYS == ('vision_msgs', 'tf2_msgs')
    for name in bare.OVERLAYS if real else ():
        (tmp_path / '.venv/share' / name).mkdir(parents=True)
    bare.build_package()
    assert len(builds) == 1
    assert {(tmp_path / '.build/src' / name).is_symlink() for name in bare.OVERLAYS} == {not real}


def test_colcon_finds_neither_the_overlay_nor_the_build(bare, builds, repository) -> None:
    assert (repository / 'tools/COLCON_IGNORE').exists()
    bare.build_package()
    assert (bare.BUILD / 'COLCON_IGNORE').exists()
