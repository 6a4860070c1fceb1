"""The parameter table and file are what the declarations say."""

import pytest

from siamx_ros.commands import params
from siamx_ros.node_config import NodeConfig
from siamx_ros.settings_files import read_yaml


@pytest.mark.parametrize('path, text', [
    ('docs/parameters.md', params.tables()), ('config/tracker.yaml', params.parameter_file()),
    ('config/follow_me.yaml', params.follow_me_file())])
def test_fresh(repository, path, text):
    written = (repository / path).read_text(encoding='utf-8')
    assert written == text, f'{path} is stale: print it anew with python -m siamx_ros params'


def test_file_is_the_defaults(repository):
    values = read_yaml(repository / 'config/tracker.yaml')
    assert NodeConfig.from_dict(values) == NodeConfig()
