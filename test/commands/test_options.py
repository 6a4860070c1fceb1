from __future__ import annotations

from dataclasses import dataclass

import pytest

from siamx_ros.cli import ArgumentParser
from siamx_ros.commands.options import (
    add_config_file, add_settings, names, parse_box, read_settings)
from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.settings import Settings, setting, walk


@dataclass(frozen=True)
class Inner(Settings):
    share: float = setting(0.5, 'a share, 100 % is 1', low=0.0, high=1.0)


@dataclass(frozen=True)
class Sample(Settings):
    flag: bool = setting(False, 'a flag')
    count: int = setting(3, 'a count', unit='frames', low=1, high=9)
    word: str = setting('off', 'a word', choices=('off', 'on'))
    sizes: tuple = setting((64, 128), 'sizes')
    inner: Inner = Inner()


def parse(*arguments: str) -> Sample:
    parser = ArgumentParser(prog='p')
    add_config_file(parser)
    add_settings(parser, Sample(), 'group', short={'count': '--count'})
    return read_settings(parser.parse_strictly(arguments), {'group': Sample()})['group']


def test_nothing_given_is_the_default():
    assert parse() == Sample()


def test_values_are_read_in_their_declared_types():
    sample = parse('--group.flag', 'true', '--group.count', '5', '--group.word', 'on',
                   '--group.sizes', '1,2,3', '--group.inner.share', '1')
    assert sample == Sample(True, 5, 'on', (1, 2, 3), Inner(1.0))
    assert isinstance(sample.inner.share, float)


def test_short_options_mean_the_same():
    assert parse('--count', '7').count == 7
    assert parse('--count', '7', '--group.count', '8').count == 8


@pytest.mark.parametrize('arguments, part', [
    (('--group.flag', 'maybe'), 'true or false'), (('--group.count', '2.5'), 'expected int'),
    (('--group.count', '10'), 'at most 9'), (('--group.count', '-1'), 'at least 1'),
    (('--group.word', 'of'), 'one of off, on'), (('--group.sizes', '1,b'), 'expected tuple'),
    (('--group.inner.share', 'nan'), 'finite'), (('--group.inner.shar', '1'), 'near names'),
    (('--grou', '1'), 'unknown option'), (('--group.count',), 'expected one argument')])
def test_bad_values_are_refused_with_a_sentence(arguments, part):
    with pytest.raises(InputError, match=part):
        parse(*arguments)


def test_files_come_before_options_and_later_files_win(tmp_path):
    (tmp_path / 'a.yaml').write_text('group: {count: 4, inner: {share: 0.25}}')
    (tmp_path / 'b.yaml').write_text('group.count: 5')
    files = ('--config', str(tmp_path / 'a.yaml'), '--config', str(tmp_path / 'b.yaml'))
    assert parse(*files) == Sample(count=5, inner=Inner(0.25))
    assert parse(*files, '--count', '6').count == 6


def test_a_ros_file_may_hold_more_but_no_unknown_name_of_ours(tmp_path):
    path = tmp_path / 'ros.yaml'
    for text in ('siamx_tracker: {ros__parameters: {max_rate: 3.0, group: {count: 4}}}',
                 '/**: {ros__parameters: {use_sim_time: true, group.count: 4, qos_overrides: '
                 '{/tf: {subscription: {depth: 1}}}}}'):
        path.write_text(text)
        assert parse('--config', str(path)).count == 4
    assert 'cuont' in refused(path, 'siamx_tracker: {ros__parameters: {group: {cuont: 4}}}')


def refused(path, text):
    """The sentence with which ``--config`` refuses a file."""
    path.write_text(text)
    with pytest.raises(InputError) as error:
        parse('--config', str(path))
    return str(error.value)


@pytest.mark.parametrize('name', ['groop.count', 'groop: {count', 'max_raet', 'trackin.adaptive'])
def test_a_ros_file_with_a_name_that_the_node_has_not_is_refused(tmp_path, name):
    end = '}' * name.count('{')
    text = f'/robot: {{siamx_tracker: {{ros__parameters: {{{name}: 3{end}}}}}}}'
    message = refused(tmp_path / 'ros.yaml', text)
    assert 'unknown setting' in message and 'near names' in message


@pytest.mark.parametrize('only', [('count',), ('inner',)])
def test_settings_without_effect_get_no_option(only):
    parser = ArgumentParser(prog='p')
    add_settings(parser, Sample(), '', only=only)
    given = [name in parser.format_help() for name in ('--count ', '--inner.share ')]
    assert given == [only == ('count',), only == ('inner',)]


def test_help_shows_every_setting_with_its_default(capsys):
    parser = ArgumentParser(prog='p')
    add_settings(parser, TrackerConfig(), 'tracking')
    add_settings(parser, ModelConfig(), 'model')
    text = parser.format_help()
    for prefix, settings in (('tracking', TrackerConfig()), ('model', ModelConfig())):
        for name, _, _ in walk(settings):
            assert f'--{prefix}.{name} ' in text
    parser = ArgumentParser(prog='p')
    add_settings(parser, Sample(), 'group')
    assert '1 to 9, frames, default 3' in ' '.join(parser.format_help().split())
    assert '100 % is 1' in ' '.join(parser.format_help().split())


@pytest.mark.parametrize('words, texts', [
    ('four numbers', ('', '1,2,3', '1,2,3,4,5', '1;2;3;4', 'a,b,c,d')),
    ('finite', ('1,2,nan,4', '1,2,3,inf')), ('positive', ('1,2,0,4', '1,2,3,-4')),
    ('an area', ('100,80,1e-200,1e-200', '0,0,1e200,1e200'))])
def test_bad_boxes_are_refused(words, texts):
    for text in texts:
        with pytest.raises(InputError, match=words):
            parse_box(text)


def test_a_box_may_have_spaces_and_fractions():
    assert parse_box('-1.5, 2,3e1,4').xywh == (-1.5, 2.0, 30.0, 4.0)


def test_names_are_given_or_none_at_all():
    assert names('a, b,', '--of') == ['a', 'b'] and names(None, '--of') == []
    for text in ('', ' ', ','):
        with pytest.raises(InputError, match='--of takes names with commas between them, got '):
            names(text, '--of')
