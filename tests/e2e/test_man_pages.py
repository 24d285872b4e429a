# SPDX-License-Identifier: MIT
"""The man pages are made from the tables that make --help: they have what it has, and other people's programs read them."""
import re
import shutil
import subprocess

import pytest

from harness import binaries
from harness.process import clean_environment, run

PAGES = {"skillreg": 1, "skillreg-gateway": 8}


def printed(program, *words):
    done = run([binaries.find(program), *words], env=clean_environment(HOME="/nonexistent"))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(params=PAGES)
def page(request, tmp_path):
    """Its path, as the program prints it."""
    path = tmp_path / f"{request.param}.{PAGES[request.param]}"
    path.write_text(printed(request.param, "__man"))
    return path


def shown(path):
    """As text; the hyphens are those that are typed."""
    return path.read_text().replace("\\-", "-").replace("\\&", "")


def test_the_build_writes_what_the_program_prints(page):
    built = binaries.find(page.stem).parent.parent / "man" / page.name
    if not built.exists():
        pytest.skip("the programs were not built here")
    assert built.read_text() == page.read_text()


def test_a_page_has_every_flag_of_the_help(page):
    helps = [printed(page.stem, "--help")]
    if page.stem == "skillreg":
        words = re.findall(r"^  ((?:token )?[a-z]+) .*  ", helps[0].partition("\nFlags")[0], re.MULTILINE)
        assert "token create" in words and "audit" in words
        helps += [printed("skillreg", *command.split(), "--help") for command in words]
    else:
        helps.append(printed("skillreg-gateway", "token", "--help"))
    flags = {flag for text in helps for flag in re.findall(r"^  (--[a-z0-9-]+)", text, re.MULTILINE)}
    assert len(flags) > 15
    missing = {flag for flag in flags if not re.search(re.escape(flag) + r"\b", shown(page))}
    assert not missing - {"--help", "--version"}


def test_a_page_tells_the_exit_codes_and_the_other_page(page):
    assert re.search(r"exit codes?\b", shown(page), re.IGNORECASE)
    assert {"skillreg": "skillreg-gateway(8)", "skillreg-gateway": "skillreg(1)"}[page.stem] in shown(page)


def test_mandoc_has_nothing_to_say(page):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False).stdout
    # Without a date the same sources make the same page at any time.
    assert [line for line in said.splitlines() if 'missing date, using ""' not in line] == []


def test_man_shows_it_without_a_warning(page):
    if not shutil.which("man") or not shutil.which("groff"):
        pytest.skip("man-db and groff are not installed")
    done = run(["man", "--warnings", "-E", "UTF-8", "-l", str(page)], env=clean_environment(MANWIDTH="100", TERM="dumb", MANPAGER="cat"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "SEE ALSO" in done.stdout
