"""How the node's process starts, what keeps a model from being loaded, and how it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time

from command_line import finished, python, refused
from node_rig import SCRIPTED_NODE
import pytest

from siamx_ros.msg import TrackerStatus as S
from siamx_ros.srv import InitTarget

pytestmark = pytest.mark.ros
SLEEP, HANG = 3, 4
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
DDS_LOG = re.compile(r'^.*RTPS_.*\n', re.MULTILINE)
"""What Fast DDS prints where a process of a test before was killed: its ports are left behind."""


@pytest.fixture(autouse=True)
def no_nohup():
    """Processes heed SIGHUP, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def in_inference(rig, make_scene, seconds: float) -> None:
    """Have the node work on an image for a time, and wait until it does."""
    rig.started()
    rig.occupy(make_scene(command=SLEEP, seconds=seconds))
    assert rig.set_parameters(debug_rate=11.0).successful, 'answers while it infers'


@pytest.mark.parametrize('seconds', [0.5, 2.5])
@pytest.mark.parametrize('number', ENDING)
def test_a_signal_during_inference(make_rig, make_scene, number, seconds):
    rig = make_rig()
    in_inference(rig, make_scene, seconds)
    begin = time.monotonic()
    assert rig.stop(number) == 0
    assert time.monotonic() - begin < seconds + 5.0
    assert 'Traceback' not in rig.log and 'Error' not in rig.log


def test_an_inference_that_never_ends_is_left_behind(make_rig, make_scene):
    rig = make_rig()
    rig.started()
    rig.occupy(make_scene(command=HANG))
    assert rig.set_parameters(debug_rate=11.0).successful, 'answers while it infers'
    begin = time.monotonic()
    for _ in range(3):
        rig.send_signal(signal.SIGINT)
    assert rig.stop(signal.SIGTERM) == 0
    assert time.monotonic() - begin < 8.0
    assert 'Traceback' not in rig.log and 'is left alone' in rig.log


@pytest.mark.parametrize('scripted', [True, False], ids=['scripted', 'real'])
@pytest.mark.parametrize('number', ENDING)
def test_a_signal_while_starting(make_rig, number, scripted):
    rig = make_rig(ready=False, scripted=scripted)
    rig.up()
    assert rig.stop(number, 20) == 0
    assert 'Traceback' not in rig.log, rig.log


@pytest.mark.parametrize('before, heeded', [('SIG_IGN', False), ('SIG_DFL', True)])
def test_a_hang_up_is_ignored_where_it_was(before, heeded):
    """As under nohup; a node heeds it otherwise, and so does a tool that waits."""
    code = f'''
import signal
from siamx_ros.node.spin import StopSignals, interruptible

def heeded():
    return signal.getsignal(signal.SIGHUP) not in (signal.SIG_IGN, signal.SIG_DFL)

signal.signal(signal.SIGHUP, signal.{before})
with interruptible([]):
    tool = heeded()
signal.signal(signal.SIGHUP, signal.{before})
signals = StopSignals()
print(tool, heeded())
signals.end(None)
'''
    done = python('-c', code)
    assert done.stdout == f'{heeded} {heeded}\n', done.stderr


def test_rclpy_may_end_while_garbage_is_collected():
    code = '''
import gc
import rclpy
from rclpy.context import Context
from siamx_ros.node.spin import StopSignals

ended = Context._call_on_shutdown_callbacks

def end(context):
    callbacks = context._callbacks[:]  # those are freed last
    ended(context)
    gc.collect()

Context._call_on_shutdown_callbacks = end
rclpy.init()
node = rclpy.create_node('ends')
node.close = lambda: True
node.create_timer(0.1, lambda: setattr(signals, '_stop', True))
signals = StopSignals()
signals.spin(node)
signals.end(node)
print('ended')
'''
    done = python('-c', code)
    assert 'ended' in done.stdout and 'Exception' not in done.stderr, done.stderr


def test_a_signal_while_images_and_calls_pour_in(make_rig, make_scene):
    rig = make_rig(scripted=False)
    rig.started()
    for _ in range(20):
        rig.probe.publish(make_scene(), rig.next_stamp())
        rig.probe.call_async(InitTarget, 'init', InitTarget.Request())
    assert rig.stop(signal.SIGTERM) == 0
    assert 'Traceback' not in rig.log, rig.log


def test_kill_and_restart(make_rig):
    rig = make_rig(name='/phoenix')
    name = rig.started().target_id
    assert name and rig.stop(signal.SIGKILL) == -signal.SIGKILL
    again = make_rig(name='/phoenix')
    fresh = again.status(S.STATE_UNINITIALISED)
    assert fresh.target_id == '', 'the new process claims nothing'
    assert again.show().target_id == ''
    again.started()
    assert again.show().valid


def test_help_starts_nothing():
    done = finished(*SCRIPTED_NODE, '--help')
    assert done.returncode == 0 and done.stdout.startswith('usage: ') and not done.stderr
    done = finished(*SCRIPTED_NODE, 'image', '--size=2', '--ros-args', '-r', 'a:=b')
    refused(done, 'error: unknown arguments: image --size=2;')


@pytest.mark.parametrize('wrong', [
    ['--params-file', '/missing.yaml'], ['-r', '__node:=two words'],
    ['-p', 'qos_overrides./siamx_tracker/target.publisher.reliability:=often']])
def test_a_bad_start_is_one_sentence(wrong):
    done = finished(*SCRIPTED_NODE, '--ros-args', *wrong)
    done.stdout = DDS_LOG.sub('', done.stdout)
    refused(done)
    assert '.c:' not in done.stderr.splitlines()[-1]


def test_a_start_that_takes_too_long_is_cut_off():
    code = ('import time; from siamx_ros.node.spin import StopSignals; StopSignals(); '
            'print("starting", flush=True); time.sleep(60)')
    with subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert 1 < time.monotonic() - begin < 20


def test_a_missing_torch_is_reported(make_rig):
    code = ('import sys; sys.modules["torch"] = None; '
            'from siamx_ros.node.tracker_node import main; sys.exit(main())')
    rig = make_rig(command=(sys.executable, '-c', code), ready=False)
    rig.up()
    status = rig.status(S.STATE_ERROR, 60.0)
    assert 'cannot be loaded: ModuleNotFoundError' in status.message and 'torch' in status.message
    assert rig.init().error_code == InitTarget.Response.NOT_ACTIVE
    assert rig.stop() == 0


@pytest.mark.parametrize('content, words', [
    (None, 'missing.pt'), (b'', 'broken.pt'), (b'PK\x03\x04 no checkpoint', 'broken.pt')],
    ids=['missing', 'empty', 'corrupt'])
def test_weights_that_cannot_be_loaded(make_rig, tmp_path, content, words):
    path = tmp_path / words
    if content is not None:
        path.write_bytes(content)
    rig = make_rig({'model': {'weights': str(path)}}, scripted=False, ready=False)
    rig.up()
    status = rig.status(S.STATE_ERROR)
    assert words in status.message and 'Traceback' not in rig.log
    assert rig.init().error_code == InitTarget.Response.NOT_ACTIVE
    assert rig.stop() == 0
