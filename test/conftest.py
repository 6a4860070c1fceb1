"""Set-up shared by all tests: a ROS domain of their own, and skips that say why."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
import re
import signal
import socket
import sys
import tempfile

import pytest

pytest_plugins = ('node_rig',)
ROOT = Path(__file__).resolve().parents[1]
OPTIONAL = re.compile(
    r'rclpy|\w+_msgs(\.msg)?|\w+_srvs(\.srv)?|siamx_ros\.(msg|srv)|rcl_interfaces'
    r'|ament_index_python|launch|launch_pytest|launch_ros|aiohttp|rosbags|selenium')
"""What a test may import at its head, although not every machine has it."""
_domain_lock: list[socket.socket] = []


def _free_domain() -> int:
    """A ROS domain that no other run of these tests on this machine uses.

    The lock is a socket name that the system frees when this process ends, however it ends.
    """
    for domain in [1 + (os.getpid() + step) % 100 for step in range(100)]:
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f'\0siamx_ros_test_domain_{domain}')
        except OSError:
            lock.close()
            continue
        _domain_lock.append(lock)
        return domain
    raise RuntimeError('all 100 ROS domains are in use by other runs of these tests')


def _own_log_folder() -> tempfile.TemporaryDirectory:
    """ROS logs go where they vanish with the run."""
    folder = tempfile.TemporaryDirectory(prefix='siamx_ros_logs_')
    os.environ['ROS_LOG_DIR'] = folder.name
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption('--part', choices=('parallel', 'serial'), default=None, help=(
        'only the tests that may run side by side, or only those marked `serial`'))


def pytest_configure(config: pytest.Config) -> None:
    """Keep ROS traffic of the tests apart from everything else, also in child processes.

    Each worker of pytest-xdist has a domain and a log folder of its own; it inherits the number
    of threads from the process that started it.
    Shells start background jobs with SIGINT ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not _domain_lock:
        os.environ['ROS_DOMAIN_ID'] = str(_free_domain())
        config.add_cleanup(_own_log_folder().cleanup)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    side_by_side = config.getoption('numprocesses', None)
    os.environ.setdefault('OMP_NUM_THREADS', '1' if side_by_side else '2')


def pytest_report_header() -> str:
    return f'ROS_DOMAIN_ID: {os.environ.get("ROS_DOMAIN_ID")}, Python: {sys.executable}'


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """Skip a file where an optional package that it imports is missing."""
    report = (yield).get_result()
    missing = re.search(r"No module named '([\w.]+)'", str(report.longrepr))
    if report.failed and missing and OPTIONAL.fullmatch(missing[1]):
        report.outcome = 'skipped'
        report.longrepr = str(collector.path), 0, f'{missing[1]} is not installed'


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of one part; skip tests marked `ros` or `gpu` where that is not there."""
    part = config.getoption('part')
    if part:
        parts = {'serial': [], 'parallel': []}
        for item in items:
            parts['serial' if item.get_closest_marker('serial') else 'parallel'].append(item)
        items[:] = parts.pop(part)
        config.hook.pytest_deselected(items=sum(parts.values(), []))
        slow = {item.path for item in items if item.get_closest_marker('slow')}
        items.sort(key=lambda item: item.path not in slow)
    reasons = {'ros': _why_no_ros, 'gpu': _why_no_gpu}
    for marker, why_not in reasons.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        reason = why_not() if marked else ''
        if reason:
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=reason))


def _why_no_ros() -> str:
    try:
        importlib.import_module('rclpy')
        importlib.import_module('siamx_ros.msg')
    except ImportError as error:
        return f'ROS is not there: {error}'
    return ''


def _why_no_gpu() -> str:
    torch = importlib.import_module('torch')
    return '' if torch.cuda.is_available() else 'no CUDA device'


@pytest.fixture(scope='session')
def repository() -> Path:
    """The root of the source tree."""
    return ROOT
