"""Who is let in: token, cookie, name and origin, without any socket."""

import pytest

from siamx_ros.errors import InputError
from siamx_ros.panel.access import Access, is_loopback, read_token

TOKEN = 'a' * 20


@pytest.mark.parametrize('host, loopback', [
    ('127.0.0.1', True), ('127.8.8.8', True), ('::1', True), ('localhost', True),
    ('0.0.0.0', False), ('::', False), ('192.168.1.5', False), ('robot.local', False)])
def test_only_loopback_needs_no_token(host, loopback):
    assert is_loopback(host) == loopback
    assert bool(read_token(host, '')) != loopback


def test_a_token_is_new_at_every_start_and_long():
    first, second = read_token('0.0.0.0', ''), read_token('0.0.0.0', '')
    assert first != second and len(first) >= 32


def test_a_token_from_a_file(tmp_path):
    path = tmp_path / 'token'
    path.write_text(f'  {TOKEN} \nand a remark\n')
    assert read_token('127.0.0.1', str(path)) == TOKEN
    for text in ('', 'short\n'):
        path.write_text(text)
        with pytest.raises(InputError, match='expected at least 16'):
            read_token('0.0.0.0', str(path))
    with pytest.raises(InputError, match='cannot be read'):
        read_token('0.0.0.0', str(tmp_path / 'none'))


def test_the_cookie_is_not_the_token_and_both_are_compared_whole():
    access = Access(TOKEN)
    assert access.knows_token(TOKEN) and access.is_let_in(access.cookie)
    assert TOKEN not in access.cookie
    for wrong in ('', 'a' * 19, 'a' * 21, 'ä' * 20, '\udcff'):
        assert not access.knows_token(wrong)
    for wrong in ('', TOKEN, access.cookie[:-1], Access('b' * 20).cookie, 'é'):
        assert not access.is_let_in(wrong)
    assert not Access('').knows_token(''), 'without a token there is none to know'


@pytest.mark.parametrize('host, right', [
    ('localhost:8080', True), ('127.0.0.1:8080', True), ('[::1]:8080', True), ('LOCALHOST', True),
    ('evil.example:8080', False), ('', False), ('localhost.evil.example', False), ('[', False)])
def test_without_a_token_only_names_of_loopback_are_answered(host, right):
    """A web site that gives its name the address 127.0.0.1 sends its own name."""
    assert Access('').is_right_host(host) == right
    assert Access(TOKEN).is_right_host(host), 'with a token the cookie protects'


@pytest.mark.parametrize('origin, same', [
    ('http://robot:8080', True), ('https://robot:8080', True), ('http://ROBOT:8080', True),
    ('http://robot', False), ('http://robot:8081', False), ('http://evil.example', False),
    ('null', False), ('', False), ('http://[', False), ('http://robot:8080.evil.example', False)])
def test_the_origin_is_the_panel_itself(origin, same):
    assert Access(TOKEN).is_same_origin(origin, 'robot:8080') == same
    assert not Access(TOKEN).is_same_origin(origin, '')
