"""The command evaluate-bag on bags written from sequences."""

import dataclasses
import json

from bag_command import RANDOM, evaluate, rows, summary
import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.config import ModelConfig
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.frame_table import frame_table
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.writer import write_sequence
from siamx_ros.evaluation.results import json_values
from siamx_ros.evaluation.runner import run_sequence
from siamx_ros.evaluation.scores import score
from siamx_ros.evaluation.trackers import TrackerSpec


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('compressed', [True, False])
def test_offline_equals_the_folder(tmp_path, sequence, storage, compressed):
    """Every figure and every box, to the last bit, whatever way the images were stored."""
    write_sequence(tmp_path / 'walk', sequence, storage=storage, compressed=compressed)
    assert evaluate(tmp_path / 'walk', *RANDOM, '--out', tmp_path / 'out') == 0
    tracker = TrackerSpec('s', 'siamx', ModelConfig(weights='random', device='cpu')).build()
    run = run_sequence(tracker, sequence)
    expected = dataclasses.asdict(score(run))
    del expected['speed']
    figures = summary(tmp_path / 'out')['figures']
    assert figures['validity']['valid_while_absent'] == expected.pop('valid_while_absent')
    assert figures['metrics'] == json_values(expected)
    boxes = np.array([[float(cell) for cell in row[2:7]] for row in rows(tmp_path / 'out')])
    np.testing.assert_array_equal(boxes[:, :4], run.boxes)
    np.testing.assert_array_equal(boxes[:, 4], run.confidence)


def test_twice_the_same_bytes(tmp_path, bag):
    for out in ('a', 'b'):
        assert evaluate(bag, *RANDOM, '--out', tmp_path / out) == 0
    files = [path.relative_to(tmp_path / 'a') for path in (tmp_path / 'a').rglob('*')
             if path.is_file() and path.name not in ('timing.json', 'latency.png')]
    assert {'frames.csv', 'summary.json', 'events.jsonl', 'timeline.png'} <= {
        path.name for path in files}
    for path in files:
        assert (tmp_path / 'a' / path).read_bytes() == (tmp_path / 'b' / path).read_bytes(), path


def test_an_oracle_scores_the_constants(tmp_path, bag, oracle):
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'out') == 0
    figures = summary(tmp_path / 'out')['figures']
    assert figures['metrics']['auc'] == pytest.approx(20 / 21)
    assert 'valid_while_absent' not in figures['metrics'], 'validity has it, of labelled frames'
    assert figures['long_term']['f'] == 1
    assert figures['validity'] == {
        'wrong_while_valid': 0, 'valid_while_absent': 0, 'false_lost': 0,
        'valid_and_right_time': 1.0,
        'longest_valid_run_s': pytest.approx(3 / 30)}
    losses = figures['losses']
    assert (losses['losses'], losses['losses_undetected'], losses['returns_missed']) == (1, 0, 0)
    assert losses['detection_delay_s'] == 0 and losses['time_to_relocalise_s'] == 0
    assert figures['frames']['labelled'] == 10 and figures['frames']['processed'] == 10
    events = [json.loads(line) for line in
              (tmp_path / 'out' / 'events.jsonl').read_text().splitlines()]
    assert [(event['frame'], event['state']) for event in events] == [
        (0, 'TRACKING'), (4, 'LOST'), (6, 'TRACKING')]


def test_the_results_bag_opens_beside_the_input(tmp_path, bag, oracle):
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'out') == 0
    with Bag(bag) as recorded, Bag(tmp_path / 'out' / 'bag') as results:
        topic = recorded.find_topic('', messages.IMAGE_TYPES, 'images')
        stamps = set(frame_table(recorded, topic).stamps.tolist())
        targets = [results.decode(raw, connection)
                   for _, raw, connection in results.messages('/siamx_tracker/target')]
        statuses = [results.decode(raw, connection)
                    for _, raw, connection in results.messages('/siamx_tracker/status')]
        detections = [results.decode(raw, connection)
                      for _, raw, connection in results.messages('/siamx_tracker/detections')]
    assert {messages.nanoseconds(target.header.stamp) for target in targets} == stamps
    assert [target.valid for target in targets] == [True] * 4 + [False] * 2 + [True] * 4
    assert messages.xywh_of(targets[3].bbox) == (13, 10, 16, 12)
    assert [status.state for status in statuses] == [2, 4, 2]
    assert statuses[1].message == 'lost, searching'
    assert [status.since_last_valid.nanosec // 10**6 for status in statuses] == [0, 33, 0]
    assert {target.target_id for target in targets} == {'1'}
    assert [len(each.detections) for each in detections] == [1, 1, 1, 1, 0, 0, 1, 1, 1, 1]


def test_velocities_of_the_results_bag_are_per_second(
        tmp_path, bag, monkeypatch, trackers, sequence):
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Changed(
        sequence.boxes_xywh, lambda _, result: dataclasses.replace(
            result, velocity=(3.0, -1.5), valid=True)))
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'out') == 0
    with Bag(tmp_path / 'out' / 'bag') as results:
        targets = [results.decode(raw, connection)
                   for _, raw, connection in results.messages('/siamx_tracker/target')]
    assert np.isnan((targets[0].vx, targets[0].vy)).all()
    assert [(target.vx, target.vy) for target in targets[1:]] == [
        (pytest.approx(90, rel=1e-4), pytest.approx(-45, rel=1e-4))] * 9


def test_simulated_real_time_misses_frames(tmp_path, bag, static):
    """At 30 Hz, 80 ms for each frame: 0, then 2 (arrived 66.7), 4 (of 146.7: 133.3), 7, 9."""
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--mode', 'realtime', '--latency', '80', '--out', out) == 0
    lines = rows(out)
    assert [int(row[0]) for row in lines if row[-1] == ''] == [0, 2, 4, 7, 9]
    assert {row[-1] for row in lines} == {'', 'overwritten'}
    frames = summary(out)['figures']['frames']
    assert (frames['processed'], frames['overwritten']) == (5, 5)
    assert frames['age_p50_ms'] >= 80
    assert summary(out)['figures']['at_arrival']['frames'] == 7
    assert summary(out)['figures']['metrics']['frames'] == 3  # of 2, 4, 7, 9; 4 is absent


def test_no_latency_misses_nothing_and_equals_offline(tmp_path, bag, oracle):
    assert evaluate(bag, *RANDOM, '--mode', 'realtime', '--latency', '0', '--out',
                    tmp_path / 'a') == 0
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'b') == 0
    a, b = summary(tmp_path / 'a')['figures'], summary(tmp_path / 'b')['figures']
    assert a['metrics'] == b['metrics'] and a['losses'] == b['losses']
    assert a['at_arrival']['auc'] == pytest.approx(20 / 21)


def test_a_late_result_is_scored_against_the_frame_that_arrives(tmp_path, bag, oracle):
    """With 20 ms at 30 Hz every box is one frame old when the next image is there."""
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--mode', 'realtime', '--latency', '20', '--out', out) == 0
    figures = summary(out)['figures']
    assert figures['metrics']['auc'] == pytest.approx(20 / 21)
    one_late, two_late = (16 - 3) / (16 + 3), (16 - 9) / (16 + 9)  # at 6, the box of 3 is held
    steps = np.arange(21) / 20
    expected = (6 * np.mean(one_late > steps) + np.mean(two_late > steps)) / 7
    assert figures['at_arrival']['auc'] == pytest.approx(expected)
    assert figures['at_arrival']['valid_while_absent'] == 0.5  # at 4, the result of 3


def test_criteria_decide_the_exit_status(tmp_path, bag, oracle, capfd):
    path = tmp_path / 'criteria.yaml'
    path.write_text('metrics.auc: {min: 0.9}\nvalidity.false_lost: {max: 0.0}\n')
    assert evaluate(bag, *RANDOM, '--criteria', path, '--out', tmp_path / 'out') == 0
    assert 'pass  metrics.auc >= 0.9' in capfd.readouterr().out
    path.write_text('metrics.auc: {min: 0.99}\n')
    assert evaluate(bag, *RANDOM, '--criteria', path) == 1
    assert 'FAIL  metrics.auc >= 0.99' in capfd.readouterr().out
    assert [each['passed'] for each in summary(tmp_path / 'out')['criteria']] == [True, True]
    path.write_text('losses.time_to_relocalise_s: {max: 1}\nmetrics.aux: {max: 1}\n')
    assert evaluate(bag, *RANDOM, '--criteria', path, '--out', tmp_path / 'kept') == 2
    assert "no figure 'metrics.aux'" in capfd.readouterr().err
    assert summary(tmp_path / 'kept')['figures']['metrics'], 'the replay was not in vain'


def test_a_figure_that_this_replay_does_not_have_fails(tmp_path, bag, oracle, capfd):
    path = tmp_path / 'criteria.yaml'
    path.write_text('bearing.bearing_error_median_deg: {max: 1}\nat_arrival.auc: {min: 0.1}\n')
    assert evaluate(bag, *RANDOM, '--criteria', path) == 1
    said = capfd.readouterr().out
    assert 'FAIL  bearing.bearing_error_median_deg <= 1' in said and 'FAIL  at_arrival.auc' in said


def test_the_bag_in_this_folder_has_a_name(tmp_path, bag, static, monkeypatch, capfd):
    monkeypatch.chdir(bag)
    assert evaluate('.', *RANDOM, '--out', tmp_path / 'out') == 0
    assert summary(tmp_path / 'out')['bag']['name'] == 'walk'
    assert main(['report', str(tmp_path / 'out')]) == 0


def test_truth_from_a_file_equals_the_topic(tmp_path, bag, dataset, static):
    path = dataset / 'interrupted' / 'groundtruth.txt'
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'a') == 0
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'b', '--truth-file', path) == 0
    assert summary(tmp_path / 'a')['figures'] == summary(tmp_path / 'b')['figures']


def test_a_given_box_and_no_truth(tmp_path, sequence, static):
    write_sequence(tmp_path / 'bare', sequence, truth_topic='')
    out = tmp_path / 'out'
    assert evaluate(tmp_path / 'bare', *RANDOM, '--box', '4,10,16,12', '--box-frame', '3',
                    '--out', out) == 0
    got = summary(out)
    assert got['start'] == {'frame': 3, 'box': [4.0, 10.0, 16.0, 12.0], 'from': 'given'}
    assert got['figures']['metrics']['auc'] is None
    assert got['figures']['frames']['before_init'] == 3


def test_what_was_not_measured_fulfils_no_criterion(tmp_path, sequence, static, capfd):
    write_sequence(tmp_path / 'bare', sequence, truth_topic='')
    names = ('losses.losses', 'losses.wrong_relocalisations', 'losses.returns_missed')
    (tmp_path / 'wanted.yaml').write_text(''.join(f'{name}: {{max: 9}}\n' for name in names))
    assert evaluate(tmp_path / 'bare', *RANDOM, '--box', '4,10,16,12', '--criteria',
                    tmp_path / 'wanted.yaml') == 1
    assert capfd.readouterr().out.count('FAIL') == 3


def test_several_runs_in_one_table(tmp_path, bag, static, capfd):
    for name in ('one', 'two'):
        assert evaluate(bag, *RANDOM, '--out', tmp_path / name) == 0
    capfd.readouterr()
    assert main(['report', str(tmp_path / 'one'), str(tmp_path / 'two')]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['run', 'one', 'two']
    assert lines[1].split()[2:] == lines[2].split()[2:]


def test_a_table_tells_modes_apart_and_folders_of_one_name(
        tmp_path, bag, static, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert evaluate(bag, *RANDOM, '--out', 'a/run') == 0
    slow = ('--mode', 'realtime', '--latency', '80')
    assert evaluate(bag, *RANDOM, *slow, '--out', 'b/run') == 0
    capfd.readouterr()
    assert main(['report', 'a/run', 'b/run']) == 0
    head, offline, late = map(str.split, capfd.readouterr().out.splitlines())
    assert offline[:3] == ['a/run', 'walk', 'offline']
    assert late[:5] == ['b/run', 'walk', 'realtime', '80', 'ms']
    column = head.index('at_arrival.auc')
    assert offline[column] == '-' and late[column + 2] != '-'
    monkeypatch.chdir('b/run')
    assert main(['report', '.']) == 0
    assert capfd.readouterr().out.splitlines()[1].startswith('run ')


def test_results_are_not_overwritten_unasked_and_nothing_else_is(tmp_path, bag, static, capfd):
    """Also what a replay that was broken off left is replaced when that is asked for."""
    out, began, foreign = (tmp_path / name for name in ('out', 'began', 'thesis'))
    assert evaluate(bag, *RANDOM, '--out', out) == 0
    for summary_is_there in (True, False):
        if not summary_is_there:
            (out / 'summary.json').unlink()
        assert evaluate(bag, *RANDOM, '--out', out) == 2
        assert 'not empty' in capfd.readouterr().err
        assert evaluate(bag, *RANDOM, '--out', out, '--overwrite') == 0
    (began / 'node').mkdir(parents=True)
    (began / 'node' / 'node_parameters.yaml').touch()
    assert evaluate(bag, *RANDOM, '--out', began, '--overwrite') == 0
    foreign.mkdir()
    (foreign / 'a.txt').write_text('three years')
    for advice in ([], ['--overwrite']):
        assert evaluate(bag, *RANDOM, '--out', foreign, *advice) == 2
        assert 'no results folder of ours: give another' in capfd.readouterr().err
    assert (foreign / 'a.txt').exists()
