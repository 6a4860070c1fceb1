"""What config/security/policy.xml allows a node, beside what the node uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

QUERIES = (('topics', 'publish', 'publisher'), ('topics', 'subscribe', 'subscriber'),
           ('services', 'reply', 'service'), ('services', 'request', 'client'))
"""Group and verb of the policy, and what the graph calls them."""
OPTIONAL = {'/clock', '/parameter_events'}
"""Allowed to every node, but used with some parameters or distributions only."""


def profile(repository: Path, node: str) -> ElementTree.Element:
    """What the policy says about a node in the root namespace."""
    tree = ElementTree.parse(repository / 'config/security/policy.xml')
    [found] = (each for each in tree.iter('profile') if each.get('node') == node)
    return found


def own_names(repository: Path, node: str) -> list[str]:
    """Topics and services that are the node's own, as the policy writes them."""
    common = ('parameter', 'rosout', 'clock', 'type_description', 'transition', '/tf',
              'available', '_state')
    names = [each.text for kind in ('topic', 'service')
             for each in profile(repository, node).iter(kind)]
    return [name for name in names if not any(word in name for word in common)]


def check_policy(repository: Path, probe: Any, node: str, namespace: str,
                 optional: set[str] = frozenset()) -> None:
    """Compare the policy with a running node: it allows what the node uses, and no more.

    Args:
        probe: hears the graph.
        optional: what the node uses with other parameters only; absolute, as in the root.
    """
    unused = OPTIONAL | {f'/{node}/get_type_description'} | optional
    assert probe.wait(
        lambda: (node, namespace) in probe.node.get_node_names_and_namespaces(), 60)
    for group, verb, kind in QUERIES:
        policy = _allowed(repository, node, group, verb)

        def used() -> set[str]:
            found = getattr(probe.node, f'get_{kind}_names_and_types_by_node')(node, namespace)
            return {name.removeprefix(namespace.rstrip('/')) for name, _ in found}
        probe.wait(lambda: policy - used() <= unused)
        assert used() <= policy, f'{node} would not run under the policy: {group}, {verb}'
        assert policy - used() <= unused, f'the policy allows {node} more than it uses: {group}'


def _allowed(repository: Path, node: str, group: str, verb: str) -> set[str]:
    """Names that the policy allows, as for a node in the root namespace."""
    found = profile(repository, node)
    assert found.attrib == {'ns': '/', 'node': node}
    names = set()
    for element in found.findall(group):
        assert len(element.attrib) == 1
        if element.get(verb) == 'ALLOW':
            names |= {name.text for name in element}
    return {name if name[0] == '/' else '/' + name.replace('~', node) for name in names}
