"""Which values of a settings file are meant, with the wrapping of ROS and without."""

import pytest
import yaml

from siamx_ros.config import NetworkConfig, TrackerConfig
from siamx_ros.settings import SettingsError
from siamx_ros.settings_files import read_settings_file


def read(path, text):
    path.write_text(text)
    return read_settings_file(path)


@pytest.mark.parametrize('text', [
    'siamx_tracker: {ros__parameters: {a: {b: 1}}}',
    '/siamx_tracker: {ros__parameters: {a.b: 1}}',
    '/robot/siamx_tracker: {ros__parameters: {a.b: 1}}',
    '/robot: {siamx_tracker: {ros__parameters: {a: {b: 1}}}}',
    'fleet: {robot: {siamx_tracker: {ros__parameters: {a.b: 1}}}}',
    '/camera: {ros__parameters: {rate: 3}}\n/siamx_tracker: {ros__parameters: {a.b: 1}}',
    'left_tracker: {ros__parameters: {a.b: 1}}',
    '/robot/**: {ros__parameters: {a.b: 1}}',
    '/**: {ros__parameters: {a.b: 1}}\nsiamx_tracker: {ros__parameters: }',
    '/**: {ros__parameters: {a.b: 1}}'])
def test_the_trackers_parameters_are_found(tmp_path, text):
    assert read(tmp_path / 'a.yaml', text) == ({'a.b': 1}, True)


def test_the_trackers_own_values_win_over_those_of_every_node(tmp_path):
    text = ('siamx_tracker: {ros__parameters: {a: {b: 1}}}\n'
            '/**: {ros__parameters: {a.b: 2, a.c: 3}}')
    assert read(tmp_path / 'a.yaml', text) == ({'a.b': 1, 'a.c': 3}, True)


@pytest.mark.parametrize('text, names', [
    ('/l: {siamx_tracker: {ros__parameters: {}}}\n/r: {siamx_tracker: {ros__parameters: {}}}',
     '/l/siamx_tracker, /r/siamx_tracker'),
    ('left: {ros__parameters: {}}\nright: {ros__parameters: {}}', '/left, /right'),
    ('/r/**: {ros__parameters: {}}\nsiamx_tracker: {ros__parameters: {}}',
     r'/r/\*\*, /siamx_tracker')])
def test_several_nodes_that_may_be_the_tracker_are_refused(tmp_path, text, names):
    with pytest.raises(SettingsError, match=f'a.yaml: any of {names} may be the tracker'):
        read(tmp_path / 'a.yaml', text)


@pytest.mark.parametrize('text, sentence', [
    ('/**: {ros__parameters: {}}\nrate: 3', '/rate is a value outside of every ros__parameters'),
    ('ros__parameters: {a: 1}', '/ros__parameters/a is a value outside'),
    ('n: {ros__parameters: 3}', '/n must hold ros__parameters alone, and that a mapping'),
    ('n: {ros__parameters: {}, a: {}}', '/n must hold ros__parameters alone')])
def test_a_wrapping_that_ros_would_refuse_is_refused(tmp_path, text, sentence):
    with pytest.raises(SettingsError, match=sentence):
        read(tmp_path / 'a.yaml', text)


@pytest.mark.parametrize('text, sentence', [
    ('seed: 1\nseed: 2\n', "'seed' is given twice, the second time in line 2"),
    ('a:\n  - {b: 1, c: 2, b: 3}\n', "'b' is given twice, the second time in line 2"),
    ('/**:\n  ros__parameters:\n    a: 1\n    a: 1\n', "'a' is given twice, .* line 4"),
    ('a: &part [*part]\n', 'a part of it holds itself')])
def test_what_yaml_reads_in_silence_is_refused(tmp_path, text, sentence):
    (tmp_path / 'p.yaml').write_text(text)
    with pytest.raises(SettingsError, match=f'p.yaml: {sentence}'):
        read_settings_file(tmp_path / 'p.yaml')


def test_what_is_no_yaml_is_said_in_one_line(tmp_path):
    path = tmp_path / 'own.yaml'
    path.write_text('a: [1,\nb: 2\n')
    with pytest.raises(SettingsError, match=r'own.yaml: expected .*, in line \d, column \d$'):
        read_settings_file(path)
    with pytest.raises(SettingsError, match=f'from {tmp_path}: Is a directory$'):
        read_settings_file(tmp_path)


def test_parts_of_a_file_may_be_named_and_used_again(tmp_path):
    (tmp_path / 'p.yaml').write_text('a: &part {b: 1}\nc: {<<: *part, b: 2}\nd: *part\n')
    assert read_settings_file(tmp_path / 'p.yaml') == (
        {'a': {'b': 1}, 'c': {'b': 2}, 'd': {'b': 1}}, False)


def test_a_plain_file_is_left_as_it_is(tmp_path):
    assert read(tmp_path / 'a.yaml', 'a: {b: 1} # ros__parameters') == ({'a': {'b': 1}}, False)
    assert read_settings_file(tmp_path / 'a.yaml')[0] == {'a': {'b': 1}}


def test_values_as_yaml_reads_them():
    """A plain ``off`` is a truth value in YAML, and 2 a whole number."""
    config = TrackerConfig().replace(yaml.safe_load('{adaptive: off, lost_time: 2}'))
    assert config.adaptive == 'off' and config.lost_time == 2.0
    for wrong in ({'adaptive': True}, {'momentum_gate': False}, {'lost_time': True},
                  {'n_lost': 2.0}):
        with pytest.raises(SettingsError):
            TrackerConfig().replace(wrong)


def test_a_number_that_yaml_takes_for_a_text():
    values = yaml.safe_load('{penalty_k: 1e-1}')
    assert values == {'penalty_k': '1e-1'}
    assert TrackerConfig().replace(values).penalty_k == 0.1
    with pytest.raises(SettingsError, match="penalty_k must be float, got 'much'"):
        TrackerConfig().replace({'penalty_k': 'much'})


@pytest.mark.parametrize('kind', [int, str])
@pytest.mark.parametrize('sign', ['', '-'])
def test_a_number_beyond_all_floats_is_refused(kind, sign):
    with pytest.raises(SettingsError, match=f'penalty_k must be finite, got {sign}inf'):
        TrackerConfig().replace({'penalty_k': kind(sign + '9' * 400)})


@pytest.mark.parametrize('values, sentence', [
    ({'level_pairs': [['a']]}, r"level_pairs .* got \(\['a'\],\)"),
    ({'widths': ['a', 64, 64, 64]}, 'widths needs 4 .* whole numbers above 0'),
    ({'widths': [64, 64, 64, True]}, 'widths'), ({'widths': [64, 64, 64, 0.5]}, 'widths'),
    ({'blocks': [-1, 0, 2]}, 'whole numbers above 0')])
def test_numbers_that_make_no_network_are_refused(values, sentence):
    with pytest.raises(SettingsError, match=sentence):
        NetworkConfig.from_dict(values)
