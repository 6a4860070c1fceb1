"""The launch file as text: arguments, names and rules, checked without launch installed."""

from __future__ import annotations

import ast
import os
from pathlib import Path
import re

import pytest

from siamx_ros.node_config import NodeConfig
from siamx_ros.settings import parameters as node_parameters


@pytest.fixture(scope='module')
def tree(repository: Path) -> ast.Module:
    return ast.parse((repository / 'launch/tracker.launch.py').read_text())


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [node for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == name]


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords}


def declarations(tree: ast.Module) -> tuple[list[ast.Call], list[ast.Call]]:
    """Calls that declare arguments: with a default of their own, and others."""
    return calls(tree, 'declare'), [*calls(tree, 'installed_file'), *calls(tree, 'overruling')]


def test_arguments_are_described_and_their_defaults_are_choices(tree: ast.Module) -> None:
    declared, others = declarations(tree)
    texts = [[arg.value for arg in call.args if isinstance(arg, ast.Constant)][-1]
             for call in others]
    assert all(text.endswith('.') for text in texts)
    for call in declared:
        words = keywords(call)
        assert words['description'].value.endswith('.'), ast.unparse(call)
        default, choices = words['default_value'], words.get('choices')
        if isinstance(choices, ast.List):
            assert default.value in [choice.value for choice in choices.elts]
        elif choices is not None:
            assert (choices.id, default.value) in {('BOOL', 'true'), ('BOOL', 'false')}


def test_arguments_that_are_read_are_declared_and_the_reverse(tree: ast.Module) -> None:
    read = {node.slice.value for node in ast.walk(tree)
            if isinstance(node, ast.Subscript) and getattr(node.value, 'id', '') == 'given'
            and isinstance(node.slice, ast.Constant)}
    [parameters] = [ast.literal_eval(node.value) for node in tree.body
                    if isinstance(node, ast.Assign) and node.targets[0].id == 'PARAMETERS']
    declared = [call.args[0].value for part in declarations(tree) for call in part]
    assert sorted(read | set(parameters)) == sorted(declared)
    assert set(parameters.values()) <= {name for name, _, _ in node_parameters(NodeConfig())}


def test_no_evaluation_download_or_work_at_import(repository: Path, tree: ast.Module) -> None:
    text = (repository / 'launch/tracker.launch.py').read_text()
    assert not re.search(r'\b(eval|exec|PythonExpression|urllib|requests|rclpy|pip)\b', text)
    for node in tree.body:
        assert isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Assign, ast.Expr))
        if isinstance(node, (ast.Assign, ast.Expr)):
            ast.literal_eval(node.value)


def test_nothing_is_set_for_the_file_that_includes_it(tree: ast.Module) -> None:
    for name in ('SetParameter', 'SetParametersFromFile', 'SetRemap', 'SetEnvironmentVariable'):
        assert not calls(tree, name)


def test_executables_exist_and_their_modules_have_a_main(repository: Path) -> None:
    text = (repository / 'launch/tracker.launch.py').read_text()
    started = set(re.findall(r"package='siamx_ros', executable='(\w+)'", text))
    scripts = {path.name: path for path in (repository / 'scripts').iterdir()}
    assert started and started <= set(scripts)
    for path in scripts.values():
        assert os.access(path, os.X_OK), f'{path} is not executable'
        source = path.read_text()
        assert source.startswith('#!/usr/bin/env python3\n')
        [module] = re.findall(r'^from (siamx_ros\.\S+) import main$', source, flags=re.MULTILINE)
        file = repository / (module.replace('.', '/') + '.py')
        assert re.search(r'^def main\(', file.read_text(), flags=re.MULTILINE), module
