"""Proxies of the environment: what goes to this machine itself never goes through one.

Prefect's client, DVC and downloads take proxies from the environment, and the user's settings
stay in force for all that leaves the machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, MutableMapping
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_READ = ("http_proxy", "https_proxy", "all_proxy")  # by Prefect's client


def is_loopback(address: str) -> bool:
    """Whether an address is of this machine itself.

    Args:
        address: such as `http://127.0.0.1:4200/api`.
    """
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        own = ipaddress.ip_address(host)
        return own.is_loopback or own.is_unspecified  # 0.0.0.0 is reached as the machine itself
    except ValueError:
        return False


def keep_loopback_direct(
    environment: MutableMapping[str, str], address: str | None = None
) -> list[str]:
    """Takes traffic of the machine with itself off the proxies of an environment.

    `NO_PROXY` is extended, in both spellings, for programs differ in which they read. What is
    neither a proxy nor a host is taken out: Prefect's client fails on it, even where it would
    not use it.

    Args:
        environment: the variables; changed.
        address: of Prefect's API, whose host is added if it is one of this machine.

    Returns:
        A line for all that was taken out.
    """
    named = [name for name in environment if name.lower() in _READ and environment[name]]
    told = []
    for name in named:
        if not _is_proxy(environment[name]):
            del environment[name]
            told.append(f"{name} is left out: expected http://HOST:PORT, https, socks5 or socks5h")
    excepted = sorted((name for name in environment if name.lower() == "no_proxy"), reverse=True)
    listed = [host.strip().removeprefix("[").removesuffix("]") for name in excepted
              for host in environment[name].split(",")]  # fmt: skip
    hosts = list(dict.fromkeys(filter(None, listed)))
    if not named and not hosts:
        return told
    if strange := [host for host in hosts if not _is_host(host)]:
        told.append(f"NO_PROXY without {', '.join(strange)}: expected names and addresses")
    own = [str(urlsplit(address).hostname)] if address and is_loopback(address) else []
    kept = dict.fromkeys(host for host in [*hosts, *LOOPBACK, *own] if host not in strange)
    for name in ("no_proxy", "NO_PROXY"):
        environment[name] = ",".join(kept)
    return told


def is_proxied(environment: Mapping[str, str]) -> bool:
    """Whether an environment names any proxy."""
    return any(environment[name] for name in environment if name.lower() in _READ)


def _is_proxy(value: str) -> bool:
    """Whether Prefect's client would take it."""
    import httpx

    try:
        httpx.Proxy(value if "://" in value else f"http://{value}")
    except (httpx.InvalidURL, ValueError):
        return False
    return True


def _is_host(value: str) -> bool:
    """Whether Prefect's client can read one of the hosts of `NO_PROXY`."""
    import httpx

    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        try:
            httpx.URL(f"all://*{value}")
        except httpx.InvalidURL:
            return "://" in value
    return True
