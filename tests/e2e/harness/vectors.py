# SPDX-License-Identifier: MIT
"""Reads and plays the cases of tests/vectors/*.http. The format is described in tests/vectors/README.md."""
import dataclasses
import re
import secrets

from .http_client import Connection, assert_error_shape

_ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
MARKER = "/api/v1/public/marker"
_TOKEN = re.compile(r"\\x([0-9a-fA-F]{2})|\\([rnt0\\])|\$\{([^}]*)\}|(\\$)|(\\.)", re.DOTALL)


class FormatError(Exception):
    """A mistake in a vector file."""


@dataclasses.dataclass
class Step:
    kind: str  # "send", "end", or an expectation: "answer", "field", "body", "close", "open", "upstream"
    text: str
    line: int


@dataclasses.dataclass
class Case:
    file: str
    name: str
    line: int
    steps: list
    listener: str = "http"

    @property
    def id(self):
        return f"{self.file.removesuffix('.http')}: {self.name}"


def _expectation(text):
    word, _, rest = text.partition(" ")
    if re.fullmatch(r"[1-5][0-9][0-9](\|[1-5][0-9][0-9])*\??", word):
        return "answer", text
    if word in ("close", "open") and not rest:
        return word, ""
    if word in ("field", "nofield", "body", "upstream"):
        return word, rest
    raise FormatError(f"no such expectation: {text}")


def parse(path):
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        mark, text = line[:2].strip(), line[2:]
        try:
            _add_line(cases, path.name, number, mark, text)
        except FormatError as error:
            raise FormatError(f"{path.name}:{number}: {error}") from None
    for case in cases:
        if not any(step.kind in ("answer", "close") for step in case.steps):
            raise FormatError(f"{path.name}:{case.line}: {case.name}: expects nothing")
    return cases


def _add_line(cases, file, number, mark, text):
    if mark == "=":
        if any(case.name == text for case in cases):
            raise FormatError(f"a second case named {text}")
        cases.append(Case(file, text, number, []))
        return
    if not cases:
        raise FormatError("a case starts with a line `= name`")
    steps = cases[-1].steps
    if mark == ">":
        if steps and steps[-1].kind == "send":
            steps[-1].text += "\n" + text
        else:
            steps.append(Step("send", text, number))
    elif mark == "<":
        steps.append(Step(*_expectation(text), number))
    elif mark == "!" and text == "end of sending":
        steps.append(Step("end", "", number))
    elif mark == "!" and text in ("listener https", "listener http"):
        cases[-1].listener = text.split()[1]
    else:
        raise FormatError("a line starts with =, >, <, ! or #")


class Values:
    """What ${...} stands for."""

    def __init__(self, names):
        self.names = names

    def expand(self, name):
        repeat = re.fullmatch(r"(.+)\*([0-9]+)", name, re.DOTALL)
        if repeat:
            return self.bytes_of(repeat[1].replace("~", "\\")) * int(repeat[2])
        if name not in self.names:
            raise FormatError(f"unknown value: {name}")
        return self.names[name].encode()

    def bytes_of(self, text):
        def piece(match):
            hexadecimal, escape, name, at_end, other = match.groups()
            if hexadecimal:
                return bytes.fromhex(hexadecimal)
            if escape:
                return _ESCAPES[escape]
            if name is not None:
                return self.expand(name)
            if at_end:
                return b""
            raise FormatError(f"unknown escape: {other}")

        result, position = b"", 0
        for match in _TOKEN.finditer(text):
            result += text[position:match.start()].encode("utf-8") + piece(match)
            position = match.end()
        return result + text[position:].encode("utf-8")

    def lines_of(self, block):
        """A block of `>` lines: each ends in CRLF, unless a backslash stands at its end."""
        result = b""
        for line in block.split("\n"):
            continues = re.search(r"(?<!\\)(\\\\)*\\$", line) is not None
            result += self.bytes_of(line) + (b"" if continues else b"\r\n")
        head, blank, body = result.partition(b"\r\n\r\n")
        return head.replace(b"#LENGTH#", b"%d" % len(body)) + blank + body


class Player:
    """Plays one case on one connection."""

    def __init__(self, case, gateway, upstream, values, cut=None):
        self.case = case
        self.gateway = gateway
        self.upstream = upstream
        self.values = values
        self.cut = cut  # bytes of one write; large blocks are cut in a hundred
        self.id = secrets.token_hex(4)
        self.values.names["length"] = "#LENGTH#"
        for name in ("get", "post", "tokens"):
            self.values.names[name] += f"\r\nX-Case: {self.id}"
        self.methods = []
        self.response = None
        self.held_back = None  # read for an answer that was optional
        self.upstream_seen = 0

    def play(self):
        tls = self.gateway.tls_context() if self.case.listener == "https" else None
        with Connection(getattr(self.gateway, self.case.listener), tls=tls) as self.connection:
            for step in self.case.steps:
                try:
                    getattr(self, "_" + step.kind)(step.text)
                except AssertionError as failure:
                    raise AssertionError(f"tests/vectors/{self.case.file}:{step.line}: {failure}") from failure

    def _send(self, text):
        data = self.values.lines_of(text)
        found = re.findall(rb"(?:^|\r\n)([A-Z]+) \S+ HTTP/1\.[01]\r\n", data)
        self.methods += [method.decode() for method in found]
        size = max(self.cut, len(data) // 100) if self.cut else len(data)
        for start in range(0, len(data), size):
            self.connection.send_ignoring_refusal(data[start:start + size])

    def _end(self, _):
        self.connection.end_sending()

    def _next_response(self):
        if self.held_back:
            response, self.held_back = self.held_back, None
            return response
        return self.connection.read_response(self.methods[0] if self.methods else "GET")

    def _answer(self, text):
        statuses, _, codes = text.partition(" ")
        if statuses.endswith("?") and self.held_back is None and not self._has_answer():
            return
        response = self._next_response()
        if str(response.status) not in statuses.rstrip("?").split("|"):
            assert statuses.endswith("?"), \
                f"expected {text}, got {response.raw_head.decode('latin-1')}\n{response.body[:300]}"
            self.held_back = response
            return
        self.response = response
        method = self.methods.pop(0) if response.status >= 200 and self.methods else "GET"
        if response.status >= 400 and response.get("x-stub-registry") is None:
            assert_error_shape(response, is_head=method == "HEAD")
            if response.status == 400 and method != "HEAD" and response.error_code == "bad_request":
                assert response.says_close, "a message that was not understood is not followed by another"
        if codes and method != "HEAD":
            assert response.error_code in codes.split("|"), f"expected {codes}, got {response.body}"

    def _has_answer(self):
        """True when bytes come, false when the connection is closed first."""
        while not self.connection.buffer:
            if not self.connection.fill():
                return False
        return True

    def _field(self, text):
        name, _, value = text.partition(":")
        value = self.values.bytes_of(value.strip()).decode()
        assert self.response.get(name) == value, f"{name} is {self.response.get(name)!r}"

    def _nofield(self, name):
        assert self.response.all(name) == [], f"{name} is {self.response.all(name)}"

    def _body(self, text):
        wanted = self.values.bytes_of(text)
        assert wanted in self.response.body, f"{wanted!r} is not in {self.response.body[:500]!r}"

    def _close(self, _):
        if self.response is not None and self.response.status >= 200:
            assert self.response.says_close, "the last answer does not say Connection: close"
        self.connection.assert_closed()

    def _open(self, _):
        assert not self.response.says_close, "the last answer says Connection: close"
        probe = self.connection.request("GET", "/api/v1/auth/whoami")
        assert probe.status == 401, f"the connection is out of step: {probe}"

    def _upstream(self, text):
        word, _, rest = text.partition(" ")
        if text == "nothing":
            assert not self._forwarded(), f"forwarded: {self._forwarded()}"
        elif text == "unfinished":
            self.upstream.wait_until(
                lambda own: all(request.is_aborted for request in self._others()), "the end of a broken request")
        elif word == "field":
            name, _, value = rest.partition(":")
            wanted = self.values.bytes_of(value.strip()).decode("latin-1")
            assert self._last_forwarded().get(name) == wanted, f"{name} is {self._last_forwarded().get(name)!r}"
        elif word == "nofield":
            assert self._last_forwarded().all(rest) == [], f"{rest} is {self._last_forwarded().all(rest)}"
        else:
            self._upstream_got(text)

    def _others(self):
        """What this case has caused: an aborted request of an earlier case may still arrive now."""
        return [request for request in self.upstream.requests
                if request.target != MARKER and request.get("x-case", self.id) == self.id]

    def _forwarded(self):
        """All requests, after one more behind them, so that whatever came before has been recorded."""
        with self.gateway.connect() as connection:
            marker = connection.request("GET", MARKER)
        assert marker.status == 200, marker
        return self._others()

    def _last_forwarded(self):
        return self._others()[self.upstream_seen - 1]

    def _upstream_got(self, text):
        """`METHOD /target`, and perhaps the body after another space."""
        method, target, body = (self.values.bytes_of(text).decode("latin-1").split(" ", 2) + [""])[:3]
        index = self.upstream_seen
        self.upstream_seen += 1
        self.upstream.wait_until(lambda _: len(self._others()) > index and self._others()[index].is_complete,
                                 f"request {index + 1} whole")
        request = self._others()[index]
        assert (request.method, request.target) == (method, target), f"forwarded {request}"
        assert request.body == body.encode("latin-1"), f"forwarded body {request.body[:200]!r}"
        assert request.trailers == [], f"forwarded trailers: {request.trailers}"
