# SPDX-License-Identifier: MIT
"""SIGHUP reads the configuration file again: what is live counts at once, what is not is named, a mistake changes nothing."""
import os
import pathlib
import re
import signal

import pytest

from harness.by_file import served
from harness.waiting import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
WHOAMI = "/api/v1/auth/whoami"


@pytest.fixture
def write(operator, tmp_path):
    path = tmp_path / "gateway.conf"

    def write_file(text):
        new = tmp_path / "new"
        new.write_text(f"database-url = {operator.database_url}\n{text}")
        new.chmod(0o600)
        new.rename(path)
        return path
    return write_file


def hang_up(own, wanted):
    """Until the log has it so often as before and once more."""
    before = own.log().count(wanted)
    os.kill(own.pid, signal.SIGHUP)
    eventually(lambda: own.log().count(wanted) == before + 1, lambda: f"did the log say {wanted!r}:\n{own.log()}")


def test_what_is_live_counts_at_once_and_the_rest_is_named(write, acme, tmp_path):
    path = write("rate-limit = off\nworkers = 1\n")
    with served(tmp_path, ("--config", path)) as own:
        assert own.request("GET", WHOAMI, acme.read).get("RateLimit") is None
        write("rate-limit = 1/h\nworkers = 2\naccess-log = on\n")
        hang_up(own, " warning settings setting changed, which needs a restart setting=workers")
        for key in ("rate-limit", "access-log"):
            eventually(lambda: f" info settings setting changed setting={key}" in own.log(), f"is {key} said")
        assert [own.request("GET", acme.skills, acme.read).status for _ in range(2)][1] == 429
        eventually(lambda: " info request method=GET " in own.log(), "was a request logged")
        write("workers = 1\nlog-format = json\n")
        hang_up(own, " info settings setting changed setting=log-format")
        eventually(lambda: own.request("GET", WHOAMI, acme.read).get("RateLimit") is None, "is the limit gone")


def test_a_mistake_is_one_line_that_names_its_place_and_changes_nothing(write, acme, tmp_path):
    path = write("rate-limit = off\n")
    with served(tmp_path, ("--config", path)) as own:
        write("rate-limit = 1/h\nworkrs = 2\n")
        hang_up(own, " error settings cannot use the configuration file, nothing is changed "
                     f'reason="{path}:3: unknown key workrs, did you mean workers?"')
        path.unlink()
        hang_up(own, f'nothing is changed reason="cannot read {path}: No such file or directory"')
        assert [own.request("GET", WHOAMI, acme.read).status for _ in range(3)] == [200] * 3
        assert own.log().count(" error settings ") == 2 and "setting changed" not in own.log()


def test_workers_take_it_together_and_it_is_said_once(write, acme, tmp_path):
    path = write("access-log = off\n")
    with served(tmp_path, ("--config", path, "--workers", "2")) as own:
        write("access-log = on\nstale-read = 5m\n")
        hang_up(own, "setting changed setting=access-log")

        def both_log():
            with own.connect() as connection:
                connection.request("GET", "/api/v1/none")
            return len(set(re.findall(r" info request .* id=([0-9a-f]{16})", own.log()))) == 2

        eventually(both_log, lambda: f"do both workers log requests:\n{own.log()}")
        assert own.log().count("setting changed setting=access-log") == own.log().count("needs a restart setting=stale-read") == 1


def test_the_live_settings_are_documented():
    source = (ROOT / "gateway/settings/setting.c").read_text(encoding="utf-8")
    members = re.findall(r"SETTING\((\w+)\)", source[source.index("gw_setting_is_live"):source.index("bool gw_setting_is_list")])
    keys = {re.search(rf'\{{"--([a-z-]+)",[^{{]*SETTING\({member}\)', source)[1] for member in members}
    text = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    listed = re.search(r"take their new value at once:\n(.*?)\.\s", text, re.DOTALL)[1]
    assert set(re.findall(r"`([a-z-]+)`", listed)) == keys and len(members) == len(keys) > 0
