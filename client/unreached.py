"""Why no connection to a venue came, and what to do about it, in words.

What aiohttp raises: https://docs.aiohttp.org/en/stable/client_reference.html#client-exceptions
"""

from __future__ import annotations

import errno
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp

_NETWORK = "Look at the address (--socket) and at this machine's network."
_REFUSED = (
    "Nobody listens there, or a firewall says so: look at the address (--socket) and at what this "
    "machine may reach."
)
_NO_NAME = (
    "Look at the address (--socket) for a misspelling, and whether this machine resolves names at "
    "all (DNS, VPN, proxy)."
)
_NO_TRUST = (
    "Whoever answers is not the venue, or something reads along (a company's proxy): let this "
    "machine trust its authority (SSL_CERT_FILE), or go another way. Look at the clock too."
)
_NO_TLS = (
    "The address does not speak TLS, or not a version of it that both know: ws:// instead of "
    "wss://, another port, or a proxy in between."
)
_PROXY = "Look at HTTPS_PROXY and HTTP_PROXY; unset them where none is needed."
_NO_ANSWER = "A firewall may drop what is sent: look at what this machine may reach, and try later."
_UNWELCOME = (
    "The venue does not serve this place, by country or by address: relay from another, or name "
    "another address of the venue with --socket."
)
_TOO_OFTEN = "The venue is asked too often from here: end other relays, and wait some minutes."
_AWAY = "The venue is not well: a relay that runs tries again by itself."
_NO_SOCKET = "The address is no WebSocket of the venue: look at --socket, and at the venue's pages."

_UNWELCOME_STATUSES = (401, 403, 451)
_TOO_OFTEN_STATUSES = (418, 429)
"""418 is how Binance bans an address: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits."""
_SERVER_ERROR = 500


class Unreached(NamedTuple):
    """Why a connection did not come, and what to do."""

    why: str
    do: str


def unreached(error: Exception, address: str) -> Unreached:
    """Tell an error of connecting to an address in words; any other is told as it is."""
    host = urlsplit(address).netloc
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Unreached(f"the name of {error.host} is not found: {error.os_error}", _NO_NAME)
        case aiohttp.ClientConnectorCertificateError():
            return Unreached(
                f"the certificate of {error.host} is not trusted: {error.certificate_error}",
                _NO_TRUST,
            )
        case aiohttp.ClientSSLError():
            return Unreached(f"no TLS with {host}: {error.os_error}", _NO_TLS)
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return Unreached(f"the proxy does not let through to {host}: {error}", _PROXY)
        case aiohttp.ClientResponseError():
            return Unreached(f"{host} answers HTTP {error.status}", _of_status(error.status))
        case TimeoutError():
            return Unreached(f"{host} does not answer", _NO_ANSWER)
        case OSError(errno=errno.ECONNREFUSED):
            return Unreached(f"{host} refuses the connection", _REFUSED)
    return Unreached(f"{host}: {error}" if f"{error}" else type(error).__name__, _NETWORK)


def _of_status(status: int) -> str:
    if status in _UNWELCOME_STATUSES:
        return _UNWELCOME
    if status in _TOO_OFTEN_STATUSES:
        return _TOO_OFTEN
    return _AWAY if status >= _SERVER_ERROR else _NO_SOCKET
