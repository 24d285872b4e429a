# SPDX-License-Identifier: MIT
"""Two versions of the program on one database: see test_rolling_update.sh, which builds the older one."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import binaries  # noqa: E402
from harness.fleet import TOKENS, WHOAMI  # noqa: E402
from harness.gateway import Gateway, Operator  # noqa: E402
from harness.http_client import bearer, format_request  # noqa: E402
from harness.postgres import Postgres  # noqa: E402
from harness.waiting import eventually  # noqa: E402


class Version:
    """Programs of one build, each started by its path while GATEWAY_BUILD_DIR names that build."""

    def __init__(self, build):
        self._build = build

    def __enter__(self):
        self._before = os.environ["GATEWAY_BUILD_DIR"]
        os.environ["GATEWAY_BUILD_DIR"] = self._build
        assert binaries.find("skillreg-gateway")

    def __exit__(self, *_):
        os.environ["GATEWAY_BUILD_DIR"] = self._before


OLDER, NEWER = Version(os.environ["OLDER_BUILD_DIR"]), Version(os.environ["GATEWAY_BUILD_DIR"])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An older gateway on its own schema, a newer one beside it, and the database migrated under both."""
    directory = tmp_path_factory.mktemp("rolling")
    postgres = Postgres()
    gateways = []
    try:
        postgres.create().start()
        own = type("World", (), {"postgres": postgres, "directory": directory})
        with OLDER:
            operator = Operator(postgres.url, directory)
            operator.migrate()
            operator.create_org("acme")
            own.admin = operator.create_token("acme", "boss", "admin")["token"]
            own.older = Gateway(directory, "older", database_url=postgres.url)
            gateways.append(own.older)
        own.older.wait_until_ready()
        with NEWER:
            own.newer = Gateway(directory, "newer", database_url=postgres.url)
            gateways.append(own.newer)
            own.operator = Operator(postgres.url, directory)
        yield own
    finally:
        for gateway in gateways:
            gateway.kill()
        postgres.destroy()


def whoami(gateway, token):
    return gateway.request("GET", WHOAMI, token).status


def create(gateway, by, **body):
    answer = gateway.request("POST", TOKENS, by, json_body={"name": "ci-deploy", **body})
    assert answer.status == 201, answer.body
    return answer.json()


def test_1_the_newer_program_waits_for_its_schema_and_the_older_one_serves(world):
    eventually(lambda: "skillreg-gateway migrate" in world.newer.log(), "did it say what to run")
    assert not world.newer.is_ready()
    assert whoami(world.newer, world.admin) == 503, "it cannot know"
    assert whoami(world.older, create(world.older, world.admin)["token"]) == 200


def test_2_the_migration_refuses_nobody_and_the_newer_program_comes_by_itself(world):
    token = create(world.older, world.admin)
    world.operator.migrate()
    assert whoami(world.older, token["token"]) == 200
    world.newer.wait_until_ready()
    eventually(lambda: whoami(world.newer, token["token"]) == 200, "did the newer one let it in")
    assert whoami(world.older, create(world.newer, world.admin)["token"]) == 200
    assert whoami(world.newer, create(world.older, world.admin)["token"]) == 200


@pytest.mark.parametrize("by,other", [("older", "newer"), ("newer", "older")])
def test_3_a_revoke_on_either_is_heard_by_the_other(world, by, other):
    by, other = getattr(world, by), getattr(world, other)
    token = create(by, world.admin)
    assert [whoami(by, token["token"]), whoami(other, token["token"])] == [200, 200]
    assert by.request("DELETE", f"{TOKENS}/{token['id']}", world.admin).status == 200
    assert whoami(by, token["token"]) == 401
    eventually(lambda: whoami(other, token["token"]) == 401, "was it heard of")


def test_4_a_confirmed_revoke_waits_for_the_older_one(world):
    token = create(world.newer, world.admin)
    assert [whoami(world.older, token["token"]), whoami(world.newer, token["token"])] == [200, 200]
    answer = world.newer.request("DELETE", f"{TOKENS}/{token['id']}?wait=30s", world.admin)
    assert whoami(world.older, token["token"]) == 401
    assert (answer.status, answer.json().get("gateways")) == (200, 2), answer.body


@pytest.mark.parametrize("gateway", ["older", "newer"])
def test_5_a_held_body_makes_nothing_after_the_revoke_on_either(world, gateway):
    gateway = getattr(world, gateway)
    asker = create(world.newer, world.admin, scopes=["admin"])
    assert whoami(gateway, asker["token"]) == 200
    body = b'{"name":"child","scopes":["admin"]}'
    head, _, _ = format_request("POST", TOKENS, [*bearer(asker["token"]), ("Content-Type", "application/json"),
                                                 ("Expect", "100-continue")], body).partition(b"\r\n\r\n")
    with gateway.connect() as connection:
        connection.send(head + b"\r\n\r\n")
        assert connection.read_response().status == 100
        assert world.newer.request("DELETE", f"{TOKENS}/{asker['id']}", world.admin).status == 200
        connection.send(body)
        assert connection.read_response().status in (401, 503)
    assert world.postgres.query("select count(*) from skillreg.api_token where created_by = %s", (asker["id"],)) == [(0,)]


def test_6_rotation_on_the_older_one_works_on(world):
    old = create(world.newer, world.admin)
    answer = world.older.request("POST", f"{TOKENS}/{old['id']}/rotate", world.admin, json_body={"overlapSeconds": 0})
    assert answer.status == 201, answer.body
    assert whoami(world.newer, answer.json()["token"]) == 200
    eventually(lambda: whoami(world.newer, old["token"]) == 401, "was it heard of")
