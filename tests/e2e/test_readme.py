# SPDX-License-Identifier: MIT
"""The documents stay true: README.md is short and its first session runs as shown, the tables of the others are what the programs
and the sources say, and the files and names that they mention exist. `./dev up` and `./dev down`, which stand around the session,
are tested by tests/packaging/test_fresh_machine.sh."""
import os
import re
import subprocess

import pytest

from harness import binaries, documents
from harness.process import clean_environment, run

ROOT = binaries.ROOT
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")
GUIDES = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")))
DESIGN = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs/design").glob("*.md")))
README = documents.read("README.md")
REFERENCE = documents.read("docs/reference.md")


def section(title):
    """The text under one heading of the second level, of the reference."""
    return documents.section(REFERENCE, title)


def rows(text, first_column):
    """The cells of every table that has this title on its first column."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        lines = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
                 for line in block.splitlines()]
        if lines[0][0] == first_column:
            found += lines[2:]
    assert found, f"no table {first_column!r}"
    return found


def without_fences(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def code_spans(text):
    return re.findall(r"`([^`\n]+)`", without_fences(text))


def without_links(text):
    return re.sub(r"\[([^\]]+)\]\([^)\s]+\)", r"\1", text)


FOLDERS = binaries.FOLDERS


def product_sources(*folders):
    return {path: path.read_text(encoding="utf-8") for folder in folders for path in sorted((ROOT / folder).rglob("*.[ch]"))}


def help_of(program, *words):
    done = run([binaries.find(program), *words, "--help"], env=clean_environment(HOME="/nonexistent"))
    assert (done.returncode, done.stderr) == (0, ""), (program, words, done)
    return done.stdout


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md"])
def test_what_is_read_first_is_short(document):
    assert len((ROOT / document).read_bytes()) <= 12 * 1024


def test_the_reference_is_what_the_tables_say():
    done = run(["/usr/bin/python3", ROOT / "dev.d/reference.py", "--check"], env=clean_environment())
    assert done.returncode == 0, done.stderr


# ---- settings -------------------------------------------------------------------------------------------------------

def settings_of_help():
    """(flag with its argument, variable, default, meaning), in the order of --help."""
    lines = re.sub(r"\n {37}(?=\S)", " ", help_of("skillreg-gateway")).splitlines()  # what was wrapped is one line again
    found = []
    for line, below in zip(lines, lines[1:]):
        flag = re.fullmatch(r"  (--[a-z-]+(?: [A-Z]\S*)?)\s{2,}(\S.*)", line)
        variable = re.fullmatch(r"\s{10,}([A-Z_]+)(?:, default (.+))?", below)
        if flag and variable:
            found.append((flag[1], variable[1], variable[2] or "", flag[2]))
    return found


def test_settings_are_those_of_help():
    wanted = settings_of_help()
    # A parser that reads nothing proves nothing: the settings table of the source has as many lines.
    source = (ROOT / "gateway/settings/setting.c").read_text()
    assert len(wanted) == len(re.findall(r'^    \{"--', source, re.MULTILINE)) > 0
    documented = [tuple(cell.strip("`") for cell in row) for row in rows(section("Settings"), "Flag")]
    as_rows = "\n".join(f"| `{flag}` | `{variable}` | {default and f'`{default}`'} | {meaning} |"
                        for flag, variable, default, meaning in wanted)
    assert documented == wanted, "the table of docs/reference.md should be (./dev reference):\n" + as_rows


# Flags of bench_micro, cmake, docker, git, h2load, kubectl, ld, systemctl and ./dev bench, and a variable of CMake.
OF_OTHERS = {"--build-arg", "--cached", "--fixed", "--from-literal", "--full", "--install", "--now", "--raw", "--rps", "--stop-timeout",
             "--wrap", "GATEWAY_INCLUDE_DIRS"}


def test_flags_and_variables_in_the_text_exist():
    known = "\n".join([help_of("skillreg-gateway"), help_of("skillreg-gateway", "migrate"), help_of("skillreg"),
                       *(help_of("skillreg", "token", word) for word in ("create", "list", "show", "update", "rotate", "revoke")),
                       *(help_of("skillreg", "trust", word) for word in ("add", "list", "show", "remove")),
                       help_of("skillreg", "audit"), help_of("skillreg", "login"), help_of("skillreg", "logout"),
                       help_of("skillreg", "exec"), help_of("skillreg", "approve"),
                       help_of("skillreg-gateway", "healthcheck"), help_of("skillreg-gateway", "check"),
                       (ROOT / "dev").read_text(), (ROOT / "dev.d/up.sh").read_text(), (ROOT / "dev.d/down.sh").read_text()])
    named = {word for page in ("README.md", "SECURITY.md", *GUIDES) for span in code_spans(documents.read(page))
             for word in re.findall(r"--[a-z][a-z-]+|\b(?:GATEWAY|SKILLREG)_[A-Z_]+", span)} - OF_OTHERS
    assert named
    assert [name for name in sorted(named) if not re.search(re.escape(name) + r"(?![a-zA-Z_-])", known)] == []


# ---- commands -------------------------------------------------------------------------------------------------------

def documented_commands(document):
    """The words of each command, without flags and operands."""
    commands = {}
    for row in rows(documents.read(document), "Command"):
        program, *words = row[0].strip("`").split()
        words = words[:next((i for i, word in enumerate(words) if not word.isalpha()), len(words))]
        commands.setdefault(program, set()).add(" ".join(words))
    return commands


@pytest.mark.parametrize("document,program,line", [
    ("docs/operator.md", "skillreg-gateway", r"^(?:usage:)? +skillreg-gateway ([a-z]+(?: [a-z]+)?)(?= )"),
    ("docs/command-line.md", "skillreg", r"^  ((?:[a-z]+ )*[a-z]+) (?:--|<|\[| ).*"),
], ids=["skillreg-gateway", "skillreg"])
def test_commands_are_those_of_help(document, program, line):
    usage = help_of(program)
    if program == "skillreg":
        usage = usage[usage.index("Commands:"):usage.index("Flags of every command:")]
    wanted = {words.strip() for words in re.findall(line, usage, re.MULTILINE)}
    assert documented_commands(document) == {program: wanted}
    for words in wanted:
        help_of(program, *words.split())


def test_versions():
    for program in ("skillreg-gateway", "skillreg"):
        done = run([binaries.find(program), "--version"], env=clean_environment())
        assert done.returncode == 0 and re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", done.stdout)


def test_exit_codes_of_wrong_usage():
    assert run([binaries.find("skillreg-gateway"), "--no-such-flag"], env=clean_environment()).returncode == 2
    assert run([binaries.find("skillreg"), "no-such-command"], env=clean_environment()).returncode == 2


# ---- errors ---------------------------------------------------------------------------------------------------------

def errors_of_the_table():
    """{id: (code, status, when)} of GW_ERRORS."""
    text = (ROOT / "gateway/http/errors.h").read_text(encoding="utf-8")
    table = text[text.index("#define GW_ERRORS(X)"):text.index("// clang-format on")].replace("\\\n", "\n")
    string = r'"(?:\\.|[^"\\])*"'
    found = {}
    for error, code, status, when in re.findall(
            rf'X\((\w+),\s*"(\w+)",\s*(\d+),\s*\w+,\s*(?:NULL|{string}),\s*(?:NULL|{string}),\s*((?:{string}\s*)+)\)', table):
        found[error] = (code, int(status), "".join(part[1:-1] for part in re.findall(string, when)))
    assert len(found) == len(re.findall(r"\bX\(\w+,", table))
    return found


def test_errors_are_those_of_the_table():
    documented = [(row[0].strip("`"), int(row[1]), without_links(row[2])) for row in rows(section("Errors"), "Code")]
    assert documented == list(errors_of_the_table().values())


def test_each_error_of_the_table_is_answered_somewhere():
    sources = "\n".join(text for path, text in product_sources("gateway").items() if path.stem != "errors")
    assert set(re.findall(r"\bGW_ERROR_(\w+)", sources)) - {"NONE", "BODY_BYTES_MAX"} == set(errors_of_the_table())


def test_error_codes_that_the_vectors_expect_are_documented():
    documented = {row[0].strip("`") for row in rows(section("Errors"), "Code")}
    expected = {code for path in (ROOT / "tests/vectors").glob("*.http")
                for code in re.findall(r"^< [\d|?]+ ([a-z_]+)$", path.read_text(), re.MULTILINE)}
    assert expected and expected <= documented


# ---- routes ---------------------------------------------------------------------------------------------------------

def routes_of_the_source():
    """(methods, pattern, who) of each row of the route table, with ... for ** and the parameter that names the organisation."""
    text = (ROOT / "gateway/exchange/router.c").read_text()
    table = text[text.index("routes[] = {"):text.index("#define ROUTE_COUNT")]
    found = []
    for methods, pattern, access, scope, rest in re.findall(
            r'\{"([A-Z ]+)",\s*"([^"]+)",\s*GW_ACCESS_(\w+),\s*\.scope = GW_SCOPE_(\w+)((?:,\s*\.\w+ = ["\w]+)*)\}', table):
        parameter = re.search(r'\.org_parameter = "(\w+)"', rest)
        pattern = pattern.replace("**", "...")
        if parameter:
            pattern += f"?{parameter[1]}={{org}}"
        methods = methods.replace("GET HEAD", "GET").replace(" ", ", ") if len(methods) < 20 else "any"
        found.append((methods, pattern, access if access != "ORG" else scope.lower()))
    assert len(re.findall(r'\{"[A-Z ]+",', table)) == len(found)
    return found


def documented_routes():
    found = []
    for methods, path, who, _ in rows(section("Routes"), "Methods"):
        if who.startswith(("anyone, no token", "a [credential of the registry]", "the [secret of GitLab]")):
            access = "OPEN"
        elif who.startswith("anyone;"):
            access = "OPTIONAL"
        elif who == "any live token":
            access = "TOKEN"
        elif who.startswith("`admin` of any organisation"):
            access = "SCOPE"
        else:
            access = re.fullmatch(r"`(read|write|admin)` of `\{org\}`", who)[1]
        found.append((methods, path.strip("`"), access))
    return found


def test_routes_are_those_of_the_router():
    assert documented_routes() == routes_of_the_source()


def test_pages_of_the_admin_port_are_explained():
    source = (ROOT / "gateway/api/admin.c").read_text()
    pages = re.findall(r'GW_STR\("(/[^"]+)"\)', source[source.index("pages[] = {"):])
    explained = [path for row in rows(documents.section(documents.read("docs/running.md"), "The admin port"), "Path")
                 for path in re.findall(r"`(/\w+)`", row[0])]
    assert sorted(explained) == sorted(pages) == sorted(row[0].strip("`") for row in rows(section("The admin port"), "Path"))


# ---- limits ---------------------------------------------------------------------------------------------------------

UNITS = {"B": 1, "KiB": 1024, "MiB": 1024 * 1024, "ms": 1, "s": 1000, "": 1}


def test_limits_are_those_of_the_headers():
    headers = "\n".join(text for path, text in product_sources(*FOLDERS).items() if path.suffix == ".h")
    defined = dict(re.findall(r"^#define (GW_\w+)\s+(?:\\\n\s+)?([^/\n]+?)\s*(?://.*)?$", headers, re.MULTILINE))
    for what, limit, name in rows(section("Limits"), "What"):
        number, _, unit = limit.partition(" ")
        factors = re.sub(r"[()]|ULL", "", defined[name.strip("`")]).split("*")
        value = 1
        for factor in factors:
            value *= int(factor)
        assert int(number) * UNITS[unit] == value, what


def test_limits_in_the_text():
    """The two numbers of `Last used`."""
    header = (ROOT / "gateway/auth/last_used.h").read_text()
    numbers = {name: int(value) for name, value in re.findall(r"#define (GW_LAST_USED_\w+)\s+(?:\\\s+)?(\d+)", header)}
    text = documents.section(documents.read("docs/tokens.md"), "Last used")
    assert f"{numbers['GW_LAST_USED_ENTRIES_MAX']:,} tokens are waiting" in text
    assert f"{numbers['GW_LAST_USED_KEPT_MAX']:,} tokens" in text


# ---- the first session ----------------------------------------------------------------------------------------------

def session_steps():
    """(command, documented output) of the session, in order."""
    return documents.steps(documents.section(README, "A first session"))


def test_the_first_session_runs_as_shown(session):
    steps = session_steps()
    assert [command for command, _ in steps if command.startswith("./dev")] == ["./dev up --detach", "./dev down"]
    ran = 0
    for command, documented in steps:
        if command.startswith("./dev"):
            continue
        session.run_as_shown(command, documented)
        ran += 1
    assert ran >= 9
    # The shortened secret of the text and the prefix in its list are one token.
    secrets = [name for name in session.bound if name.endswith("...")]
    assert len(secrets) == 1
    assert session.bound[secrets[0][:12]] == session.bound[secrets[0]][:12]


def test_what_dev_up_prints_is_what_readme_shows():
    (_, documented), = [step for step in session_steps() if step[0] == "./dev up --detach"]
    script = (ROOT / "dev.d/up.sh").read_text()
    for line in documented.splitlines():
        if line != "...":
            assert line.replace("8443", "$port").replace("9090", "$admin_port").replace("8444", "$page_port") in script


# ---- names in the documents -----------------------------------------------------------------------------------------

def slug(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS + GUIDES)
def test_links_lead_somewhere(document):
    text = without_fences((ROOT / document).read_text(encoding="utf-8"))
    for link in (link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link):
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), f"{document}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", without_fences(target.read_text(encoding="utf-8")), re.MULTILINE)
            assert anchor in map(slug, headings), f"{document}: {link}"


@pytest.mark.parametrize("document", ("ARCHITECTURE.md", "CONTRIBUTING.md", *DESIGN))
def test_files_that_are_named_exist(document):
    named = {span for span in code_spans((ROOT / document).read_text(encoding="utf-8"))
             if re.fullmatch(r"[a-z][\w.-]*(/[\w.-]+)*/([\w.-]+\.(c|h|py|sh|md|sql|cmake|yaml|http))?", span)
             and not span.startswith("build/") and "NNNN" not in span and "test_" not in span}
    assert named or document in DESIGN
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", ("ARCHITECTURE.md", "CONTRIBUTING.md", *DESIGN))
def test_functions_that_are_named_exist(document):
    sources = "\n".join(product_sources(*FOLDERS).values()) \
        + "".join(path.read_text() for path in (ROOT / "cmake").glob("*.cmake"))
    named = {span.rstrip("()") for span in code_spans((ROOT / document).read_text(encoding="utf-8"))
             if re.fullmatch(r"(gw|db|tls|cli|GW|DB|TLS|CLI)_\w+(\(\))?", span)}
    assert named or document in DESIGN
    assert [name for name in sorted(named) if not re.search(rf"\b{name}\b", sources)] == []


def test_numbers_of_the_bench_are_those_of_its_results():
    command = ["/usr/bin/python3", "-m", "load.publish", "--check"]
    done = subprocess.run(command, cwd=ROOT / "bench", capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stderr
