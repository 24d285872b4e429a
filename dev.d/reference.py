# SPDX-License-Identifier: MIT
"""docs/reference.md, made of the tables of the program: the route table, the settings, the errors, the limits of the headers, the
metrics; and the fields of the log as docs/log.md has them.

    dev.d/reference.py [--check]   writes the page; with --check it only says whether it would change, and ends with 1 if so
"""
import difflib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference.md"
PARTS = re.compile(r'"((?:\\.|[^"\\])*)"')

# The limits that are no settings, by the name that the headers define, and what they bound.
LIMITS = [
    ("GW_HTTP_TARGET_BYTES_MAX", "request target"),
    ("GW_HTTP_FIELD_BYTES_MAX", "one header field"),
    ("GW_HTTP_HEAD_BYTES_MAX", "all header fields with the target"),
    ("GW_HTTP_FIELDS_MAX", "header fields"),
    ("GW_BODY_OWN_BYTES_MAX", "body of a token route or of introspection"),
    ("GW_BODY_IDS_BYTES_MAX", "body of a revocation of many"),
    ("GW_BULK_REVOKE_MAX", "tokens revoked in one request"),
    ("GW_BODY_FORWARD_BYTES_MAX", "body that is forwarded"),
    ("GW_PROGRESS_BYTES_MIN", "least progress of a body in `--body-timeout`, unless it ends"),
    ("GW_CONN_WRITE_HIGH_WATER_BYTES", "bytes waiting for one client or the registry, before reading pauses"),
    ("GW_FORWARD_MEMORY_BYTES_MAX", "memory of a forwarded request with both its connections"),
    ("GW_DB_QUEUE_MAX", "queries waiting for the database"),
    ("GW_DB_QUERY_TIMEOUT_MS", "time for a query"),
    ("GW_UPSTREAM_IDLE_CONNECTIONS_MAX", "idle connections kept to each address of the registry"),
    ("GW_UPSTREAM_ORIGINS_MAX", "`--upstream`, most"),
    ("GW_UPSTREAM_FAILURES_MAX", "failures in a row until an address is left out"),
    ("GW_UPSTREAM_LEFT_OUT_TRIES_MAX", "tries of one request at addresses that are left out"),
    ("GW_UPSTREAM_EJECTION_MIN_MS", "an address that fails is left out for, first"),
    ("GW_UPSTREAM_EJECTION_MAX_MS", "an address that fails is left out for, at most"),
    ("GW_TOKEN_NAME_CHARACTERS_MAX", "characters in the name of a token"),
    ("GW_TOKEN_DESCRIPTION_CHARACTERS_MAX", "characters in the description of a token"),
    ("GW_ALLOWED_IPS_MAX", "addresses and networks that a token is bound to"),
    ("GW_ROTATE_OVERLAP_S_MAX", "seconds of overlap of a rotation"),
    ("GW_IDEMPOTENCY_KEY_LENGTH_MAX", "characters of an `Idempotency-Key`"),
    ("GW_REVOKE_WAIT_MS_MAX", "longest `wait` of a revocation"),
    ("GW_LIST_LIMIT_DEFAULT", "tokens or events on a page of a list, default"),
    ("GW_LIST_LIMIT_MAX", "tokens or events on a page of a list, most"),
    ("GW_LIST_AFTER_LIMIT_MAX", "tokens on a page by a cursor, most"),
]


def source(name):
    return (ROOT / name).read_text(encoding="utf-8")


def between(text, begin, end):
    at = text.index(begin) + len(begin)
    return text[at:text.index(end, at)]


def joined(text):
    """The string that adjacent C literals make."""
    return "".join(PARTS.findall(text)).replace('\\"', '"')


def cell(text):
    return text.replace("|", "\\|")


def table(titles, rows):
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(row).replace("|  |", "| |") + " |" for row in lines)


# ---- routes ---------------------------------------------------------------------------------------------------------

def described():
    """{(method, path): summary} of the description of the API."""
    document = json.loads(source("gateway/api/openapi.json"))
    return {(method.upper(), path): operation["summary"] for path, item in document["paths"].items()
            for method, operation in item.items() if isinstance(operation, dict)}


def who_may(access, scope, parameter, is_of_registry=False):
    if is_of_registry:
        return "a [credential of the registry](registry-logins.md)"
    if access == "OPEN":
        return "anyone, no token looked at"
    if access == "OPTIONAL":
        return f"anyone; a token, if sent, needs `{scope}`, and must be of `{{{parameter}}}` if one is named"
    if access == "TOKEN":
        return "any live token"
    if access == "SCOPE":
        return f"`{scope}` of any organisation, about its own tokens"
    return f"`{scope}` of `{{org}}`"


def routes():
    rows = between(source("gateway/exchange/router.c"), "routes[] = {", "#define ROUTE_COUNT")
    summaries = described()
    for methods, pattern, access, scope, rest in re.findall(
            r'\{"([A-Z ]+)",\s*"([^"]+)",\s*GW_ACCESS_(\w+),\s*\.scope = GW_SCOPE_(\w+)((?:,\s*\.\w+ = ["\w]+)*)\}', rows):
        parameter = re.search(r'\.org_parameter = "(\w+)"', rest)
        path = pattern.replace("**", "...") + (f"?{parameter[1]}={{org}}" if parameter else "")
        shown = "any" if len(methods) > 20 else methods.removesuffix(" HEAD").replace(" ", ", ")
        if "GW_ROUTE_ON_PAGE" in rest:
            yield [shown, f"`{path}`", who_may(access, scope.lower(), "org"),
                   "the [page of the tokens](tokens-page.md), on the port of `--tokens-page` alone"]
            continue
        summary = summaries.get((methods.split()[0], pattern.removesuffix("/**")), "the registry")
        if "needs_device_login" in rest:
            summary += ", with `--device-login`" + (" (else the registry)" if access == "OPEN" else "")
        yield [shown, f"`{path}`", "the [secret of GitLab](leaks.md)" if "GITLAB" in rest
               else who_may(access, scope.lower(), "org", "HAND_OVER" in rest), summary]


def admin_pages():
    summaries = described()
    for path in re.findall(r'GW_STR\("([^"]+)"\)', between(source("gateway/api/admin.c"), "pages[] = {", "};")):
        yield [f"`{path}`", summaries["GET", path]]


# ---- settings, errors, limits, metrics, log -------------------------------------------------------------------------

def settings():
    rows = between(source("gateway/settings/setting.c"), "settings[] = {", "\n};")
    literal = rf'NULL|(?:{PARTS.pattern}\s*)+'.replace("(", "(?:").replace("(?:?:", "(?:")
    row = re.compile(rf'\{{"(--[a-z-]+)",\s*"(\w+)",\s*GW_SETTING_\w+,\s*SETTING\(\w+\),\s*({literal}),\s*({literal}),\s*({literal})\}}')
    found = row.findall(rows)
    assert len(found) == len(re.findall(r'^    \{"--', rows, re.MULTILINE)), "a setting that this cannot read"
    for flag, variable, default, argument, meaning in found:
        flag = flag if argument == "NULL" else f"{flag} {joined(argument)}"
        yield [f"`{flag}`", f"`{variable}`", "" if default == "NULL" else f"`{joined(default)}`", cell(joined(meaning))]


def errors():
    rows = between(source("gateway/http/errors.h"), "#define GW_ERRORS(X)", "// clang-format on").replace("\\\n", "\n")
    for code, status, when in re.findall(r'X\(\w+,\s*"(\w+)",\s*(\d+),(?:[^()"]|"(?:\\.|[^"\\])*")*?,\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)', rows):
        yield [f"`{code}`", status, cell(joined(when))]


def defined():
    headers = "\n".join(path.read_text(encoding="utf-8") for folder in ("base", "token", "tls", "db", "gateway")
                        for path in sorted((ROOT / folder).rglob("*.h")))
    return dict(re.findall(r"^#define (GW_\w+)\s+(?:\\\n\s+)?([^/\n]+?)\s*(?://.*)?$", headers, re.MULTILINE))


def with_unit(name, number):
    if "_BYTES" in name or name == "GW_CONN_WRITE_HIGH_WATER_BYTES":
        for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
            if number % size == 0:
                return f"{number // size} {unit}"
        return f"{number} B"
    if name.endswith(("_MS", "_MS_MAX")):
        return f"{number // 1000} s" if number % 1000 == 0 else f"{number} ms"
    return str(number)


def limits():
    numbers = defined()
    for name, what in LIMITS:
        number = 1
        for factor in re.sub(r"[()]|ULL", "", numbers[name]).split("*"):
            number *= int(factor)
        yield [what, with_unit(name, number), f"`{name}`"]


TEXTS = r'((?:"[^"]*"\s*)+)'


def families(text, pattern):
    return [(name, kind, joined(words)) for name, kind, words in re.findall(pattern, text)]


def former_names(header):
    """Of the version before: a name for each value of a label."""
    for values, former, label in (("GW_CODE_CLASSES_MAP", "responses", "code"), ("GW_DECISIONS_MAP", "decisions", "decision"),
                                  ("GW_TLS_RESULTS_MAP", "tls_handshakes", "result")):
        for value in re.findall(r'X\(\w+, "(\w+)"\)', between(header, f"#define {values}(X)", "\n#define")):
            yield f"{former}_{value}_total", "counter", f'Deprecated, not in the next version: {former}_total{{{label}="{value}"}}.'


def metrics():
    """In the order in which gateway/settings/metrics_text.c writes them; tests/e2e/test_metrics.py compares with a gateway."""
    header = source("gateway/settings/metrics.h").replace("\\\n", "\n").replace("#define X(", "\n#define X(")
    text = source("gateway/settings/metrics_text.c")
    plain = between(header, "#define GW_METRICS_MAP(X)", "#define")
    times = between(header, "#define GW_METRICS_TIMES_MAP(X)", "#define")
    histograms = between(header, "#define GW_METRICS_HISTOGRAMS_MAP(X)", "struct")
    heads = families(text, rf'write_head\(\s*"(\w+)",\s*"(\w+)",\s*{TEXTS}, out\)')
    found = [family for family in heads if family[0] == "build_info"]
    found += families(plain, rf'X\((\w+),\s*"(\w+)",\s*{TEXTS}\)')
    found += families(times, rf'X\(\w+,\s*"(\w+)",\s*"(\w+)",\s*{TEXTS}\)')
    found += [(name, "counter", joined(words)) for name, words in
              re.findall(rf'\{{"(\w+)",\s*{TEXTS},\s*OFFSET', between(text, "} labelled[] = {", "\n};"))]
    found += [family for family in heads if family[0] != "build_info"]
    found += [(name, "histogram", joined(words)) for name, words in re.findall(rf'X\(\w+,\s*"(\w+)",\s*{TEXTS}\)', histograms)]
    found += families(between(text, "} of_process[] = {", "\n};"), rf'\{{"(\w+)",\s*"(\w+)",\s*{TEXTS},\s*PROCESS')
    yield from ([f"`{name}`", kind, cell(words)] for name, kind, words in [*found, *former_names(header)])


def log_fields():
    page = source("docs/log.md")
    return re.search(r"^\| Field \| JSON \|.*?(?=\n\n)", page, re.MULTILINE | re.DOTALL)[0]


# ---- the page -------------------------------------------------------------------------------------------------------

PREFACE = """# Reference

<!-- Made by `./dev reference` from the tables of the program, and held to them by a test: change those. -->

[Routes](#routes) · [The admin port](#the-admin-port) · [Settings](#settings) · [Errors](#errors) · [Limits](#limits) ·
[Metrics](#metrics) · [Fields of the log](#fields-of-the-log)
"""

ROUTES = """## Routes

The first row that matches path and method counts. `...` takes any rest of the path, also none. HEAD goes wherever GET does. Another
method on a known path is 405 with `Allow`, any other path 404. [How a request is decided](deciding.md) says what a row means; those
of the gateway's own are described in full by [`/api/v1/openapi.json`](api.md)."""

ADMIN_PORT = """## The admin port

Plain HTTP, no token: bind it (`--listen-admin`) where only operators reach it. [What each says](running.md#the-admin-port)."""

SETTINGS = """## Settings

Each is a flag, an environment variable, or a line of [the file](running.md#the-configuration-file) of `--config`; the
first of these wins. Times are such as `300ms`, `10s`, `15m`, `24h`, `90d`. Addresses are `host:port` or `[v6]:port`; port 0 takes a
free one and the log says which. A switch needs no value as a flag; as a variable it is `on` or `off`. `--help` prints this list,
`--version` the version; an unknown flag ends with exit code 2."""

ERRORS = """## Errors

Every refusal of the gateway itself is `{"error":{"code":"...","message":"..."}}` with `X-Request-Id`. Answers of the registry pass
through as they are, errors too. Programs go by the code, which stays; the message is for people."""

LIMITS_TEXT = """## Limits

What a peer can make a gateway hold is bounded. The bounds that are not settings stand in the header of what they bound; the usual
questions:"""

METRICS = """## Metrics

`/metrics` on the admin port, [Prometheus text](metrics.md)."""

LOG = """## Fields of the log

Of the line of a request, with `--access-log`; [the log](log.md) has the rest."""


def page():
    return "\n".join([
        PREFACE,
        ROUTES, "", table(["Methods", "Route", "Who may", "What"], routes()), "",
        ADMIN_PORT, "", table(["Path", "What"], admin_pages()), "",
        SETTINGS, "", table(["Flag", "Variable", "Default", "Meaning"], settings()), "",
        ERRORS, "", table(["Code", "Status", "When"], errors()), "",
        LIMITS_TEXT, "", table(["What", "Limit", "Name"], limits()), "",
        METRICS, "", table(["Name, behind `skillreg_gateway_` unless it is of a process", "Type", "What it is"], metrics()), "",
        LOG, "", log_fields(), ""])


def main(arguments):
    is_check = arguments == ["--check"]
    if arguments and not is_check:
        print(f"usage: {pathlib.Path(__file__).name} [--check]", file=sys.stderr)
        return 2
    wanted, there = page(), PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if not is_check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    changes = difflib.unified_diff(there.splitlines(), wanted.splitlines(), "docs/reference.md", "the tables", lineterm="", n=0)
    sys.stderr.write("".join(line + "\n" for line in changes))
    if there != wanted:
        print("docs/reference.md is not what the tables say: ./dev reference writes it", file=sys.stderr)
    return there != wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
