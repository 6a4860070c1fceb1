"""Set up everything on a machine without ROS: `make setup`, `make demo` and `make test` call it.

Makes `.venv` with ROS 2 and all else from pinned wheels, builds this package with colcon into
`.build/install`, and writes `.build/env.sh` for a shell that wants to use both. Needs python3, a
C++ compiler and cmake; knows what it did before and then does nothing. A sourced ROS distribution
is neither used nor touched: there, use `colcon build` (README.md).
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
from pathlib import Path
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from typing import Iterable

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / '.venv'
BUILD = ROOT / '.build'
INSTALL = BUILD / 'install'
SITE_PACKAGES = f'lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages'

OLDEST, NEWEST = (3, 11), (3, 14)
REQUIREMENTS = ROOT / 'requirements'
DISTROS = ('jazzy', 'kilted')
DISTRO = os.environ.get('DISTRO') or DISTROS[0]
BUILT = ('msg', 'srv', 'siamx_ros', 'launch', 'config', 'scripts', 'CMakeLists.txt', 'package.xml')
"""What the package is built from; linked into a folder of its own, because CMake refuses a
source folder that contains `.venv` with its headers."""
OVERLAYS = ('vision_msgs', 'tf2_msgs')
"""Interfaces that the wheels lack, below `tools`: built in their place."""
LIVE = ('siamx_ros', 'launch', 'config', 'scripts')
"""Installed as links: a changed file needs no build, a new one does."""


class SetupError(Exception):
    """The machine lacks something, or a step failed; the text is a whole sentence."""


def main() -> int:
    """Bring the environment up to date; returns the exit status."""
    try:
        check_machine()
        with open(ROOT / '.setup.lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            install_wheels()
            build_package()
    except SetupError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0


def check_machine() -> None:
    """Raise SetupError for the first thing that is missing."""
    if DISTRO not in DISTROS:
        raise SetupError(f'DISTRO is {DISTRO}, there are wheels for {" and ".join(DISTROS)}.')
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        raise SetupError(
            f'Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is needed, {sys.executable}'
            f' is {version[0]}.{version[1]}; name another one with `make PYTHON=python3.12`.')
    if (sys.platform, platform.machine()) != ('linux', 'x86_64'):
        raise SetupError(
            f'ROS wheels exist for Linux on x86_64, this is {sys.platform} on '
            f'{platform.machine()}; install a ROS 2 distribution and use colcon (README.md).')
    if not importlib.util.find_spec('ensurepip') or not importlib.util.find_spec('venv'):
        raise SetupError(f'Python of {sys.executable} cannot make virtual environments; install '
                         'them, e.g. `sudo apt install python3-venv`.')
    if not Path(sysconfig.get_paths()['include'], 'Python.h').exists():
        raise SetupError(f'the C headers of {sys.executable} are missing; install them, e.g. '
                         '`sudo apt install python3-dev`.')
    for kind, names, package in (
            ('cmake', ['cmake'], 'cmake'),
            ('a C compiler', [os.environ.get('CC', ''), 'cc', 'gcc'], 'gcc'),
            ('a C++ compiler', [os.environ.get('CXX', ''), 'c++', 'g++'], 'g++')):
        if not any(name and shutil.which(name) for name in names):
            raise SetupError(f'{kind} was not found on the PATH; install it, e.g. '
                             f'`sudo apt install {package}`.')


def install_wheels() -> None:
    """Make `.venv` with all pinned wheels, unless it is there already."""
    constraints, *together, nodeps = files = [REQUIREMENTS / f'{name}.txt' for name in (
        'constraints', 'main', 'build', f'ros-{DISTRO}', 'nodeps')]
    wanted = digest(files, f'{sys.version} {sys.base_prefix} {VENV}')
    stamp = VENV / 'siamx_ros.stamp'
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not is_ours(python := VENV / 'bin/python'):
        step(f'Making the virtual environment .venv for {DISTRO}')
        for folder in (VENV, BUILD):
            shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, '-m', 'venv', '--prompt', DISTRO, VENV], clean_environment())
    step('Installing pinned wheels into .venv (about 490 MB, more with a CUDA build of torch)')
    stamp.unlink(missing_ok=True)
    pip = [python, '-m', 'pip', 'install', '--disable-pip-version-check',
           *([] if sys.stdout.isatty() else ['--quiet'])]
    run([*pip, '-c', constraints, *(word for file in together for word in ('-r', file))],
        clean_environment())
    run([*pip, '--no-deps', '-r', nodeps], clean_environment())
    correct_include_paths(python)
    for name in ('COLCON_IGNORE', 'local_setup.sh'):  # colcon asks for the second in a prefix
        (VENV / name).touch()
    stamp.write_text(wanted)


def is_ours(python: Path) -> bool:
    """Whether `.venv` belongs to the running interpreter, to this folder and to DISTRO."""
    if not python.exists():
        return False
    code = 'import sys; print(sys.version, sys.base_prefix, sys.prefix)'
    answer = subprocess.run([python, '-c', code], capture_output=True, text=True)
    return answer.stdout.strip() == f'{sys.version} {sys.base_prefix} {VENV}' and (
        f'prompt = {DISTRO!r}' in (VENV / 'pyvenv.cfg').read_text())


def correct_include_paths(python: Path) -> None:
    """Point the wheels' CMake files at this interpreter's headers.

    As published they name folders of the machine on which the wheels were made.
    """
    numpy = run([python, '-c', 'import numpy; print(numpy.get_include())'],
                clean_environment(), capture=True).strip()
    headers = sysconfig.get_paths()['include']
    for path in VENV.glob('share/*/cmake/*.cmake'):
        text = path.read_text()
        fixed = re.sub(r'/opt/python/[^;"]*/numpy/_core/include', lambda _: numpy, text)
        fixed = re.sub(r'/opt/python/[^;"/]*/include/python[0-9.]+', lambda _: headers, fixed)
        if fixed != text:
            path.write_text(fixed)


def build_package() -> None:
    """Generate the messages and install the package with colcon, unless nothing changed."""
    overlays = {name: ROOT / 'tools' / name for name in OVERLAYS}
    foreign = [path for overlay in overlays.values() for path in files_below(overlay)]
    sources = [path for name in BUILT if name not in LIVE for path in files_below(ROOT / name)]
    linked = [str(path) for name in LIVE for path in files_below(ROOT / name)]
    wanted = digest([*sources, *foreign, VENV / 'siamx_ros.stamp', Path(__file__)],
                    '\n'.join([sys.version, *linked]))
    stamp = BUILD / 'siamx_ros.stamp'
    if stamp.exists() and stamp.read_text() == wanted:
        return
    step('Building siamx_ros into .build')
    stamp.unlink(missing_ok=True)
    links = {ROOT / name: f'siamx_ros/{name}' for name in BUILT}
    links |= {overlay: name for name, overlay in overlays.items()
              if not (VENV / 'share' / name).exists()}
    link_sources(links)
    write_environment()
    remove_dead_links(INSTALL)
    run([VENV / 'bin/colcon', '--log-base', BUILD / 'log', 'build', '--merge-install',
         '--symlink-install', '--base-paths', BUILD / 'src', '--build-base', BUILD / 'build',
         '--install-base', INSTALL, '--event-handlers', 'console_cohesion-', '--cmake-args',
         '-DBUILD_TESTING=OFF', f'-DPython3_EXECUTABLE={VENV}/bin/python', '-Wno-dev'],
        build_environment())
    stamp.write_text(wanted)


def link_sources(links: dict[Path, str]) -> None:
    """Lay out `.build/src` as a colcon workspace of links into the working tree."""
    source = BUILD / 'src'
    shutil.rmtree(source, ignore_errors=True)
    for target, name in links.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).symlink_to(target)
    (BUILD / 'COLCON_IGNORE').touch()


def remove_dead_links(folder: Path) -> None:
    """Forget installed files whose source is gone; colcon only ever adds."""
    for path in folder.rglob('*'):
        if path.is_symlink() and not path.exists():
            path.unlink()


def clean_environment() -> dict[str, str]:
    """This process's environment without what a sourced ROS or a virtual environment sets."""
    foreign = re.compile(
        r'(AMENT|COLCON|ROS)_.*|PYTHON(PATH|HOME)|CMAKE_PREFIX_PATH|VIRTUAL_ENV|PIP_(USER|TARGET)')
    return {k: v for k, v in os.environ.items() if not foreign.fullmatch(k)}


def build_environment() -> dict[str, str]:
    """For colcon: the virtual environment is the prefix in which ROS is found."""
    return {**clean_environment(), 'AMENT_PREFIX_PATH': str(VENV), 'CMAKE_PREFIX_PATH': str(VENV),
            'LD_LIBRARY_PATH': f'{VENV}/lib', 'PATH': f'{VENV}/bin:{os.environ["PATH"]}'}


def write_environment() -> None:
    """Write `.build/env.sh`, to be sourced by any POSIX shell."""
    install, venv = shlex.quote(str(INSTALL)), shlex.quote(str(VENV))
    (BUILD / 'env.sh').write_text(f'''\
# Made by tools/bare_machine.py: source it to use siamx_ros with the ROS wheels of .venv.
unset PYTHONHOME COLCON_PREFIX_PATH
export AMENT_PREFIX_PATH={install}:{venv}
export LD_LIBRARY_PATH={install}/lib:{venv}/lib
export PYTHONPATH={install}/{SITE_PACKAGES}
export PATH={venv}/bin:$PATH
export DISTRO={DISTRO} ROS_DISTRO={DISTRO} RMW_IMPLEMENTATION=rmw_fastrtps_cpp
# Or `python -m siamx_ros` in the working tree would take the folder there, without messages.
export PYTHONSAFEPATH=1
''')


def files_below(path: Path) -> list[Path]:
    """All source files at or under a path, sorted."""
    return [path] if path.is_file() else sorted(
        p for p in path.rglob('*') if p.is_file() and '__pycache__' not in p.parts)


def digest(files: Iterable[Path], text: str) -> str:
    """A fingerprint of files with their names, and of a text."""
    summary = hashlib.sha256(text.encode())
    for path in files:
        summary.update(str(path).encode() + path.read_bytes())
    return summary.hexdigest()


def step(text: str) -> None:
    print(f'[{time.strftime("%H:%M:%S")}] {text}', flush=True)


def run(command: list, environment: dict[str, str], *, capture: bool = False) -> str:
    """Run a command in the project's folder; returns its output if captured.

    Raises:
        SetupError: it failed; its own words were printed before.
    """
    words = [str(word) for word in command]
    result = subprocess.run(words, cwd=ROOT, env=environment, text=True,
                            stdout=subprocess.PIPE if capture else None)
    if result.returncode:
        raise SetupError(f'`{" ".join(words[:4])} ...` failed with status {result.returncode}, '
                         'see above.')
    return result.stdout or ''


if __name__ == '__main__':
    raise SystemExit(main())
