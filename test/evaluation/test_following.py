"""The open-loop drive: what is counted, and what doubt and slow depth cost the follower."""

from __future__ import annotations

import numpy as np
import pytest
from square_sequence import write_square

from siamx_ros.cli import main
from siamx_ros.evaluation.following import drive, table
from siamx_ros.evaluation.runner import Run
from siamx_ros.records import TrackState

WIDTH, HEIGHT = 320, 240


def run(frames: int = 150, doubtful=(), wrong=(), lost=(), x: float = 130.0) -> Run:
    """Right boxes, valid but for some frames."""
    truth = np.tile([x, 60.0, 60.0, 120.0], (frames, 1))
    boxes = truth.copy()
    boxes[list(wrong)] += 200
    states = np.full(frames, int(TrackState.TRACKING))
    states[list(doubtful)] = int(TrackState.UNCERTAIN)
    states[list(lost)] = int(TrackState.LOST)
    return Run('walk', truth, boxes, np.ones(frames), states, states == TrackState.TRACKING,
               np.zeros(frames))


@pytest.mark.parametrize('rate', [15, 20, 30])
def test_nothing_in_doubt_is_followed_at_full_speed_with_depth_at_half_the_rate(rate):
    done = drive(run(), WIDTH, HEIGHT, rate)
    assert (done.right, done.valid, done.stops) == (150, 1.0, 0.0)
    assert done.speed == pytest.approx(0.4, abs=0.002)


@pytest.mark.parametrize('rate', [15, 20, 30])
def test_short_doubt_costs_little_and_stops_nothing(rate):
    doubtful = [frame + more for frame in range(20, 140, 20) for more in range(2)]
    done = drive(run(doubtful=doubtful), WIDTH, HEIGHT, rate)
    assert done.valid == pytest.approx(1 - 12 / 150) and done.stops == 0
    assert 0.38 < done.speed < 0.4


def test_long_doubt_stops_it_and_wrong_boxes_do_not_count():
    done = drive(run(doubtful=range(60, 90)), WIDTH, HEIGHT, 30)
    assert done.stops == pytest.approx(60 / 5) and 0.25 < done.speed < 0.35
    wrong = drive(run(lost=range(60, 90), wrong=range(60, 90)), WIDTH, HEIGHT, 30)
    assert (wrong.right, wrong.stops) == (120, 0.0) and wrong.speed > done.speed


def test_a_target_at_the_side_is_turned_to_before_it_is_driven_to():
    assert drive(run(x=255.0), WIDTH, HEIGHT, 30).speed < 0.35


def test_the_table_weighs_by_right_boxes():
    drives = [drive(run(150), WIDTH, HEIGHT, 30), drive(run(50, doubtful=range(50)), 320, 240, 30)]
    rows = table(drives)
    assert rows[0][0] == 'sequence' and rows[-1][:4] == ['ALL', '30', '200', '0.750']


def test_the_command(tmp_path, capsys):
    folder = write_square(tmp_path / 'square', [(120 + 2 * i, 90, 48, 48) for i in range(12)],
                          (WIDTH, HEIGHT))
    arguments = ['drive', str(folder), '--rates', '15,30', '--control.max_linear', '0.3']
    assert main([*arguments, '--device', 'cpu', '--threads', '1']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ['square', '15'], ['square', '30'], ['ALL', '15'], ['ALL', '30']]
    assert all(0.2 < float(line.split()[4]) <= 0.3 for line in lines[1:])
    for wrong in (*(['--rates', each] for each in ('fast', '20,15,20', '20,20.0')),
                  *(['--hfov', each] for each in ('0', 'nan', '180', '-60'))):
        assert main(['drive', str(folder), *wrong]) == 2
        assert wrong[0] in capsys.readouterr().err


def test_results_of_other_settings_can_be_replaced_and_what_is_left_out_is_told(tmp_path, capsys):
    boxes = [(120 + 2 * i, 90, 48, 48) for i in range(4)]
    for name in ('square', 'outside', 'unreadable'):
        write_square(tmp_path / 'data' / name, boxes, (WIDTH, HEIGHT))
    truth = tmp_path / 'data' / 'outside' / 'groundtruth.txt'
    truth.write_text(truth.read_text().replace('120', '-40', 1))
    sorted((tmp_path / 'data' / 'unreadable' / 'img').iterdir())[0].write_bytes(b'')
    command = ['drive', str(tmp_path / 'data'), '--rates', '20', '--device', 'cpu',
               '--weights', 'random', '--out', str(tmp_path / 'out')]
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert 'left out of all tables, for the reasons above: outside, unreadable' in err
    assert [line.split()[0] for line in out.splitlines()] == ['sequence', 'square', 'ALL']
    assert main([*command, '--tracking.n_lost', '7']) == 2
    assert '--overwrite' in capsys.readouterr().err
    assert main([*command, '--tracking.n_lost', '7', '--overwrite']) == 1
