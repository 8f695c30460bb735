"""What goes to the machine itself goes through no proxy; everything else as the user says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from flows.checks import project
from flows.proxies import is_loopback, is_proxied, keep_loopback_direct
from flows.server import ADDRESS, answers
from tests.tasks.toy import create

HOLE = "http://127.0.0.1:9"  # where nobody is: what is sent there is lost
NAMES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
PROXIES = (HOLE, "127.0.0.1:9", "socks5://127.0.0.1:9", "socks5h://127.0.0.1:9",
           "socks://127.0.0.1:9/", "socks4://user:secret@127.0.0.1:9", "http://host:port", "\x01",
           "no address")  # fmt: skip
HERE = ("http://127.0.0.1:4200/api", "http://localhost:4200/api", "http://[::1]:4200/api",
        "http://127.0.0.2:4200/api")  # fmt: skip
THERE = "http://prefect.example.org/api"
# Where nobody is, of all kinds, and one that is none; what is said of it.
EVERY = dict.fromkeys(NAMES, "http://192.0.2.1:3128")
EVERY |= {"ALL_PROXY": "socks5h://192.0.2.1:1080", "all_proxy": "socks://192.0.2.1:1080/"}
TOLD = "all_proxy is left out: expected http://HOST:PORT, https, socks5 or socks5h\n"


@pytest.fixture
def clean(monkeypatch):
    """No proxies of the machine that runs the tests."""
    for name in (*NAMES, "no_proxy", "NO_PROXY", ADDRESS):
        monkeypatch.setenv(name, "")  # so that what is set is undone
        monkeypatch.delenv(name)
    return monkeypatch


def way(address: str) -> httpx.BaseTransport:
    """What Prefect's client would send a request with."""
    return httpx.Client()._transport_for_url(httpx.URL(address))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("proxy", PROXIES)
def test_no_proxy_is_asked_for_the_machine_itself(clean, name, proxy):
    clean.setenv(name, proxy)
    for address in HERE:
        keep_loopback_direct(os.environ, address)
    client = httpx.Client()  # with a proxy that it does not know it would not begin
    for address in HERE:
        assert client._transport_for_url(httpx.URL(address)) is client._transport
        assert get_proxy(parse_uri(address.replace("http://", "ws://"))) is None
    assert urllib.request.proxy_bypass("localhost")


@pytest.mark.parametrize("proxy", PROXIES[:4])
def test_others_are_still_asked_through_it(clean, proxy):
    clean.setenv("all_proxy", proxy)
    clean.setenv("HTTP_PROXY", proxy)
    assert keep_loopback_direct(os.environ, THERE) == []
    client = httpx.Client()
    assert client._transport_for_url(httpx.URL(THERE)) is not client._transport
    assert get_proxy(parse_uri(THERE.replace("http", "ws"))) == proxy
    assert [os.getenv(name) for name in ("all_proxy", "HTTP_PROXY")] == [proxy, proxy]


def test_what_is_no_proxy_is_told_without_its_password():
    given = {"ALL_PROXY": "socks4://user:secret@host:1", "http_proxy": HOLE, "https_proxy": ""}
    told = keep_loopback_direct(given)
    assert told == ["ALL_PROXY is left out: expected http://HOST:PORT, https, socks5 or socks5h"]
    assert given == {
        "http_proxy": HOLE,
        "https_proxy": "",
        "NO_PROXY": "127.0.0.1,localhost,::1",
        "no_proxy": "127.0.0.1,localhost,::1",
    }
    assert is_proxied(given)
    assert not is_proxied({"https_proxy": "", "no_proxy": "x"})


@pytest.mark.parametrize(
    ("given", "kept", "told"),
    [
        ({"NO_PROXY": "example.org, 10.0.0.0/8"}, "example.org,10.0.0.0/8", []),
        ({"no_proxy": ".a.org", "NO_PROXY": "b.org,.a.org"}, ".a.org,b.org", []),
        ({"NO_PROXY": "[::1],b.org"}, "::1,b.org", []),
        ({"NO_PROXY": "::1/128,fe80::/10,b.org"}, "b.org",
         ["NO_PROXY without ::1/128, fe80::/10: expected names and addresses"]),
        ({"NO_PROXY": "*"}, "*", []),
        ({"No_Proxy": "c.org"}, "c.org", []),
    ],
)  # fmt: skip
def test_the_users_exceptions_stay(clean, given, kept, told):
    given = {"http_proxy": HOLE, **given}
    assert keep_loopback_direct(given, "http://127.0.0.2:4200/api") == told
    wanted = dict.fromkeys([*kept.split(","), "127.0.0.1", "localhost", "::1", "127.0.0.2"])
    assert given["NO_PROXY"] == given["no_proxy"] == ",".join(wanted)
    for name, value in given.items():
        clean.setenv(name, value)
    assert way("http://127.0.0.1/") is not None  # Prefect's client can read them


def test_nothing_is_set_where_there_is_no_proxy():
    given = {"PATH": "/bin", "NO_PROXY": ""}
    assert keep_loopback_direct(given, HERE[0]) == []
    assert given == {"PATH": "/bin", "NO_PROXY": ""}


@pytest.mark.parametrize(
    ("address", "own"),
    [
        *((address, True) for address in HERE),
        ("http://prefect.localhost/api", True),
        ("http://0.0.0.0:4200/api", True),
        (THERE, False),
        ("http://10.0.0.1:4200/api", False),
        ("http://localhost.example.org/api", False),
        ("http://[bad/api", False),
        ("", False),
    ],
)
def test_addresses_of_the_machine_itself(address, own):
    assert is_loopback(address) is own


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_server_here_answers_whatever_the_proxies_say(clean, proxy):
    """Also `exemplar doctor` asks so, which changes nothing in the environment."""
    for name in NAMES:
        clean.setenv(name, proxy)
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/api"
        try:
            assert answers(address)
            assert project.prefect_server(address).state == "ok"
        finally:
            server.shutdown()
            thread.join()
    assert not answers(address)


PIPELINE = """
stages:
  says:
    cmd: echo "$http_proxy $NO_PROXY" > says.txt
    outs:
      - says.txt
"""


@pytest.mark.slow
def test_a_reproduction_with_every_proxy_set(tmp_path, clean):
    """With a server of its own; a stage's downloads still have the user's proxy."""
    folder = create(tmp_path / "toy", PIPELINE)
    (folder / "reports").mkdir()
    environment = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "flows.cli", "reproduce"],
        cwd=folder,
        env={**environment, **EVERY, "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
             "PYTHONPATH": os.pathsep.join(sys.path), "NO_PROXY": "example.org"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^1 stages: 1 run, in ", done.stdout, re.M)
    assert done.stderr == TOLD
    assert (folder / "says.txt").read_text() == (
        "http://192.0.2.1:3128 example.org,127.0.0.1,localhost,::1\n"
    )
