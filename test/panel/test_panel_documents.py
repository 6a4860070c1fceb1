"""docs/panel.md names what there is, and pip installs the page."""

from __future__ import annotations

from pathlib import Path
import re

import pytest

from siamx_ros.panel.panel_config import PanelConfig
from siamx_ros.panel.panel_app import page_files
from siamx_ros.settings import walk


@pytest.fixture(scope='module')
def text(repository: Path) -> str:
    return (repository / 'docs/panel.md').read_text(encoding='utf-8')


def row(name: str, field, default) -> str:
    live = ', live' if field.metadata['live'] else ''
    unit = f' {field.metadata["unit"]}' if field.metadata['unit'] else ''
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    value = f'`{shown}`{unit}' if default != '' else 'empty'
    return f'| `{name}`{live} | {value} | {field.metadata["help"]} |'


def test_the_table_of_parameters_is_that_of_the_node(text):
    rows = [row(*item) for item in walk(PanelConfig())]
    assert re.findall(r'^\| `.*', text.partition('## Parameters')[2], re.MULTILINE) == rows


def test_the_keys_are_those_of_the_page(text):
    script = page_files()['panel.js'][0].decode()
    [keys] = re.findall(r'const keys = {(.*?)}', script)
    buttons = dict(re.findall(r"(\w+): '(\w+)'", keys))
    assert buttons == {'s': 'stop', 'f': 'follow', 'p': 'pause', 'r': 'reset', 'escape': 'stop'}
    for key, button in buttons.items():
        label = 'Esc' if key == 'escape' else key.upper()
        assert re.search(rf'^\| {button.capitalize()}[^|]*\| [^|]*`{label}`', text, re.MULTILINE)


def test_every_file_of_the_page_is_used():
    files = page_files()
    texts = ' '.join(content.decode() for name, (content, _) in files.items())
    for name in files:
        assert name in ('index.html', 'locked.html') or name in texts, name
