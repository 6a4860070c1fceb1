"""Who may use the panel: token, cookie, and where a request comes from; plain values."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from pathlib import Path
import secrets

from siamx_ros.errors import InputError

MIN_TOKEN_LENGTH = 16
"""Shorter tokens could be guessed."""
LOOPBACK_NAMES = ('localhost', '127.0.0.1', '::1')


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def read_token(host: str, token_file: str) -> str:
    """The token that the panel asks for: of the file, else a new one, or none on loopback.

    Raises:
        InputError: the file cannot be read, or its token is too short.
    """
    if not token_file:
        return '' if is_loopback(host) else secrets.token_urlsafe(24)
    try:
        lines = Path(token_file).expanduser().read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'the token cannot be read from {token_file}: {error}.') from None
    token = lines[0].strip() if lines else ''
    if len(token) < MIN_TOKEN_LENGTH:
        raise InputError(f'the token in {token_file} has {len(token)} characters, expected at '
                         f'least {MIN_TOKEN_LENGTH}; `openssl rand -hex 16` makes a good one.')
    return token


class Access:
    """Checks requests by their headers.

    Args:
        token: what a viewer must know; empty for none, then only names of loopback are answered.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self.cookie = hmac.new(token.encode(), b'siamx_ros panel', hashlib.sha256).hexdigest()
        self.needs_token = bool(token)

    def knows_token(self, given: str) -> bool:
        """Whether this is the token."""
        return self.needs_token and _equal(given, self._token)

    def is_let_in(self, cookie: str) -> bool:
        """Whether a request with this cookie may go on."""
        return not self.needs_token or _equal(cookie, self.cookie)

    def is_right_host(self, host: str) -> bool:
        """Whether the name by which the panel was addressed is its own.

        Without a token a web site could give its own name to the loopback address and so read the
        panel through the browser of whoever visits it.
        """
        return self.needs_token or _name(host) in LOOPBACK_NAMES

    def is_same_origin(self, origin: str, host: str) -> bool:
        """Whether a request was made by a page of this panel and not of another web site.

        The scheme is not compared: a proxy may add encryption.
        """
        host = host.lower()
        return bool(host) and origin.lower() in (f'http://{host}', f'https://{host}')


def _equal(given: str, wanted: str) -> bool:
    """Compare in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode('utf-8', 'replace'), wanted.encode())


def _name(host: str) -> str:
    """A Host header without its port, in lower case."""
    if host.startswith('['):
        return host[1:].partition(']')[0].lower()
    return host.partition(':')[0].lower()
