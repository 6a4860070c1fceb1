"""What the documents name is there, and what is printed into them is fresh."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
import re
from xml.etree import ElementTree

import pytest

from siamx_ros import __version__
from siamx_ros.cli import COMMANDS, ArgumentParser
from siamx_ros.commands import params
from siamx_ros.node_config import NodeConfig
from siamx_ros.settings_files import read_settings_file

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted(ROOT.glob('docs/**/*.md'))]
FOLDERS = 'siamx_ros|test|config|docs|tools|requirements|launch'
each_document = pytest.mark.parametrize('path', DOCUMENTS, ids=lambda path: path.name)


def text_of(path: Path) -> str:
    """A document with commands on one line each."""
    return re.sub(r'\\\n\s+', '', path.read_text(encoding='utf-8'))


def code_of(path: Path) -> list[str]:
    """Lines of blocks of code, and what stands between backticks."""
    fences = r'^```.*?^```'
    block = r'^ {4,}(\S.*)'
    text = text_of(path)
    lines = '\n'.join(re.findall(fences, text, re.MULTILINE | re.DOTALL)).splitlines()
    text = re.sub(fences, '', text, flags=re.MULTILINE | re.DOTALL)
    lines += re.findall(block, text, re.MULTILINE)
    text = re.sub(block, '', text, flags=re.MULTILINE)
    return lines + [' '.join(span.split()) for span in re.findall(r'`([^`]+)`', text)]


def headings(path: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them."""
    titles = re.findall(r'^#+ (.+)', path.read_text(encoding='utf-8'), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-') for title in titles}


@each_document
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r'\]\(([^)\s]+)\)', path.read_text(encoding='utf-8')):
        name, _, anchor = link.partition('#')
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@each_document
def test_programs_and_launch_files_exist(path: Path) -> None:
    arguments = {name for file in ROOT.glob('launch/*.py') for name in re.findall(
        r"(?:declare|overruling|DeclareLaunchArgument)\(\s*'(\w+)'", file.read_text())}
    arguments |= {'params_file', 'image_topic'}
    for line in code_of(path):
        for name in re.findall(r'ros2 run siamx_ros (\w+)', line):
            assert (ROOT / 'scripts' / name).is_file(), line
        for name, rest in re.findall(r'ros2 launch siamx_ros (\S+)(.*)', line):
            assert (ROOT / 'launch' / name).is_file(), line
            given = re.findall(r'(\w+):=', rest)
            assert set(given) <= arguments, line
        for name in re.findall(r'-m siamx_ros\.(\w+)', line):
            assert (ROOT / 'siamx_ros' / name / '__main__.py').is_file(), line


@each_document
def test_commands_have_the_options_that_are_named(path: Path) -> None:
    for line in code_of(path):
        for name, rest in re.findall(r'(?:-m siamx_ros|\bsiamx) ([a-z]\S*)(.*)', line):
            assert name in COMMANDS, line
            parser = ArgumentParser()
            import_module(COMMANDS[name][0]).add_arguments(parser)
            given = re.findall(r'(?<!\S)(--[a-z][\w.-]*)', rest.partition(' # ')[0])
            known = {*parser._option_string_actions, '--help'}
            assert set(given) <= known, line


@each_document
def test_make_targets_exist(path: Path) -> None:
    makefile = (ROOT / 'Makefile').read_text()
    for line in code_of(path):
        for target in re.findall(r'^make ([a-z][\w-]*)', line):
            assert re.search(rf'^(?:\S+ )*{target}(?: \S+)*:', makefile, re.MULTILINE), line


def test_many_commands_are_looked_at() -> None:
    """The patterns above find what they are for."""
    code = '\n'.join(line for path in DOCUMENTS for line in code_of(path))
    assert len(re.findall(r'ros2 run siamx_ros', code)) > 20
    assert len(re.findall(r'ros2 launch siamx_ros', code)) > 10
    assert len(re.findall(r'-m siamx_ros [a-z]', code)) > 20
    assert len(re.findall(r'^make [a-z]', code, re.MULTILINE)) > 10


def test_the_tests_that_are_named_exist() -> None:
    named = re.findall(r'`(test[\w/]*\.py)(?:::(\w+))?`', text_of(ROOT / 'CONTRIBUTING.md'))
    assert len(named) > 25
    for file, function in named:
        [path] = [ROOT / file] if '/' in file else ROOT.glob(f'test/*/{file}')
        source = path.read_text(encoding='utf-8')
        assert not function or f'def {function}(' in source, function


@each_document
def test_files_of_ours_that_are_named_exist(path: Path) -> None:
    for name in code_of(path):
        if re.fullmatch(rf'(?:{FOLDERS})/[a-z_][\w./-]*', name):
            assert (ROOT / name).exists(), name


def test_the_change_log_is_that_of_the_package() -> None:
    """As catkin_pkg and bloom read it: the newest version is the package's."""
    lines = (ROOT / 'CHANGELOG.rst').read_text(encoding='utf-8').splitlines()
    package = ElementTree.parse(ROOT / 'package.xml')
    assert lines[1] == f'Changelog for package {package.findtext("name")}'
    titles = [above for above, below in zip(lines, lines[1:]) if re.fullmatch('-+', below)]
    assert all(below == '-' * len(above) for above, below in zip(lines, lines[1:])
               if re.fullmatch('-+', below))
    versions = [title for title in titles if title != 'Forthcoming']
    assert titles[len(titles) - len(versions):] == versions
    assert re.fullmatch(r'\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)', versions[0])
    assert versions[0].split()[0] == package.findtext('version') == __version__


@pytest.mark.parametrize('path, text', [
    ('docs/parameters.md', params.tables()), ('config/tracker.yaml', params.parameter_file()),
    ('config/follow_me.yaml', params.follow_me_file())])
def test_fresh(repository, path, text):
    written = (repository / path).read_text(encoding='utf-8')
    assert written == text, f'{path} is stale: print it anew with python -m siamx_ros params'


def test_file_is_the_defaults(repository):
    values = read_settings_file(repository / 'config/tracker.yaml')[0]
    assert NodeConfig.from_dict(values) == NodeConfig()
