"""A generated bag played to the tracker node over real DDS: in lock-step, and in real time."""

import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from bag_command import RANDOM, evaluate, rows, summary
import cv2
import numpy as np
import pytest

from siamx_ros.data.sequence import read_folder
from siamx_ros.evaluation.bag.writer import write_sequence

pytestmark = pytest.mark.ros
SLEEP = 3
"""Command of the first pixel to the scripted tracker: take 0.1 s. Others see a pixel."""


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """A textured patch that walks over a smooth ground."""
    folder = tmp_path_factory.mktemp('data')
    random = np.random.default_rng(5)
    ground = np.kron(random.integers(60, 120, (6, 8, 3), np.uint8), np.ones((20, 20, 1), np.uint8))
    patch = np.kron(random.integers(0, 255, (6, 5, 3), np.uint8), np.ones((4, 4, 1), np.uint8))
    (folder / 'walk' / 'img').mkdir(parents=True)
    rows = []
    for step in range(12):
        image, x, y = ground.copy(), 30 + 3 * step, 45 + step
        image[y:y + 24, x:x + 20] = patch
        image[0, 0] = SLEEP, 255, 10
        cv2.imwrite(str(folder / 'walk' / 'img' / f'{step:04d}.png'), image)
        rows.append(f'{x},{y},20,24')
    (folder / 'walk' / 'groundtruth.txt').write_text('\n'.join(rows) + '\n')
    for name, fps in (('bag', 30.0), ('slow', 3.0)):
        write_sequence(folder / name, read_folder(folder / 'walk'), compressed=True, fps=fps)
    return folder / 'bag'


def test_lock_step_through_the_node_gives_the_boxes_of_the_offline_replay(tmp_path, bag):
    assert evaluate(bag, '--out', tmp_path / 'offline', *RANDOM) == 0
    assert evaluate(bag, '--out', tmp_path / 'lockstep', *RANDOM, '--mode', 'lockstep') == 0
    offline, live = rows(tmp_path / 'offline'), rows(tmp_path / 'lockstep')
    assert len(offline) == len(live) == 12
    for wanted, got in zip(offline, live):
        assert got[:6] == wanted[:6]  # every box, to the last digit
        assert float(got[6]) == pytest.approx(float(wanted[6]), abs=1e-6)  # a float32 on its way
        assert got[7] == wanted[7] and got[9] == wanted[9] and got[18:] == wanted[18:]
    assert len({tuple(row[2:6]) for row in live}) > 3  # the boxes move
    found = summary(tmp_path / 'lockstep')
    assert found['figures']['metrics'] == summary(tmp_path / 'offline')['figures']['metrics']
    assert found['mode']['name'] == 'lockstep'
    assert {path.name for path in (tmp_path / 'lockstep').iterdir()} == {
        'frames.csv', 'events.jsonl', 'summary.json', 'timing.json', 'plots', 'bag', 'node'}
    assert [json.loads(line)['state'] for line in
            (tmp_path / 'lockstep' / 'events.jsonl').read_text().splitlines()] == [
        json.loads(line)['state'] for line in
        (tmp_path / 'offline' / 'events.jsonl').read_text().splitlines()]


def test_in_real_time_a_running_node_answers_what_it_can(tmp_path, bag, make_rig):
    rig = make_rig()
    settings = ['--mode', 'live', '--node', f'{rig.namespace}/siamx_tracker']
    assert evaluate(bag, '--out', tmp_path / 'live', *settings, '--box', '30,45,20,24') == 0
    found = summary(tmp_path / 'live')
    counts = found['figures']['frames']
    assert counts['processed'] >= 2 and counts['overwritten'] >= 3
    assert counts['processed'] + counts['overwritten'] == 12
    assert counts['age_p50_ms'] >= 100 and 'at_arrival' in found['figures']
    assert found['mode']['name'] == 'live'
    assert found['tracker']['model.weights'] and found['tracker']['tracking.adaptive'] == 'paper'
    seen = [row for row in rows(tmp_path / 'live') if not row[20]]
    assert [int(row[19]) for row in seen] == sorted(int(row[19]) for row in seen)
    assert all(int(row[19]) > int(row[1]) for row in seen[1:])  # later than the image


def test_what_the_node_took_is_among_the_figures(tmp_path, bag, make_rig):
    rig = make_rig()
    settings = ['--mode', 'live', '--node', f'{rig.namespace}/siamx_tracker']
    assert evaluate(bag.with_name('slow'), '--out', tmp_path / 'live', *settings,
                    '--box', '30,45,20,24') == 0
    took = summary(tmp_path / 'live')['figures']['node']
    assert took.keys() >= {'cpu_percent', 'rss_mb', 'inference_p50_ms'}
    assert 0 < took['cpu_percent'] < 100 * os.cpu_count() and took['rss_mb'] > 50
    assert 90 < took['inference_p50_ms'] < 1000  # the scripted tracker takes 100


def test_a_node_that_ends_and_a_box_that_is_refused_are_reported(tmp_path, bag, make_rig, capfd):
    wrong = ('--weights', str(tmp_path / 'none.pt'), '--mode', 'lockstep')
    assert evaluate(bag, '--out', tmp_path / 'a', *wrong) == 2
    assert 'none.pt' in capfd.readouterr().err
    rig = make_rig()
    refused = ('--mode', 'lockstep', '--node', f'{rig.namespace}/siamx_tracker')
    assert evaluate(bag, '--out', tmp_path / 'b', *refused, '--box', '500,45,20,24') == 2
    assert 'refuses the first box (708)' in capfd.readouterr().err


@pytest.mark.parametrize('number, status', [(signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_a_signal_ends_the_node_too(tmp_path, bag, number, status):
    command = [sys.executable, '-m', 'siamx_ros', 'evaluate-bag', str(bag), '--out',
               str(tmp_path / 'out'), *RANDOM, '--mode', 'lockstep']
    log = tmp_path / 'out' / 'node' / 'node.log'
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          text=True) as process:
        deadline = time.monotonic() + 60
        while not (log.is_file() and log.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.05)
        nodes = children(process.pid)
        process.send_signal(number)
        error = process.communicate(timeout=30)[1]
    assert process.returncode == status and error.endswith('interrupted\n'), error
    assert nodes and not any(Path(f'/proc/{node}').exists() for node in nodes)


def children(pid):
    """Processes that a process started."""
    found = []
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            parent = int(path.read_text().rpartition(')')[2].split()[1])
        except (OSError, ValueError):
            continue  # ended meanwhile
        if parent == pid:
            found.append(int(path.parent.name))
    return found
