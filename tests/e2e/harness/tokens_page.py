# SPDX-License-Identifier: MIT
"""The page of the tokens in a browser, and what the files that test it share. A file imports the fixtures that it uses."""
import contextlib
import os
import pathlib

import pytest

from . import browser as browsers
from .browser import DESKTOP, Browser
from .gateway import Gateway

SHOTS = os.environ.get("GATEWAY_PAGE_SHOTS")  # a directory for pictures of the page, to be looked at


@contextlib.contextmanager
def gateway_with_page(directory, *flags, **options):
    """It ends as it should."""
    gateway = Gateway(directory, "page", flags=("--tokens-page", "127.0.0.1:0", *flags), **options)
    try:
        yield gateway.wait_until_ready()
    except BaseException:
        gateway.kill()
        raise
    gateway.stop()


@pytest.fixture(scope="module")
def own(operator, postgres, tmp_path_factory, certificate):
    """Shared by this file."""
    browsers.need()
    with gateway_with_page(tmp_path_factory.mktemp("page"), "--last-used-interval", "100ms", database_url=postgres.url,
                           certificate=certificate) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    own = Browser(tmp_path_factory.mktemp("chromium"))
    yield own
    own.stop()


@pytest.fixture
def page(own, chromium):
    """The page, anew: without a token, in the light, in a window of a desk. Nothing may be refused by its policy or fail in its
    scripts, whatever the test did."""
    chromium.problems()
    chromium.resize(DESKTOP)
    chromium.prefer("light")
    chromium.open("https://localhost:%d/tokens" % own.bound("page")[1])
    chromium.wait_shown("#view-sign-in")
    yield chromium
    unwanted = [line for line in chromium.problems() if "Failed to load resource" not in line]  # an error of the API, which is shown
    assert unwanted == []


def sign_in(page, secret):
    page.type("#token", secret)
    page.press("ENTER")


@pytest.fixture
def signed_in(page, organisation):
    sign_in(page, organisation.admin)
    page.wait_text("#tokens-status", "token")
    return page


@pytest.fixture
def api(own, organisation):
    """Asks the gateway for the organisation, past the page."""
    def ask(method, path="", body=None, token=organisation.admin):
        response = own.request(method, f"/api/v1/orgs/{organisation.slug}{path}", token, json_body=body)
        assert response.status < 300, (method, path, response.body)
        return response.json()
    return ask


@pytest.fixture
def made(api):
    """Makes a token with this name."""
    def make(name, **members):
        return api("POST", "/tokens", {"name": name, **members})
    return make


def row(page, name):
    """The selector of the row of a token with this name."""
    found = page.script("return [...document.querySelectorAll('#tokens-rows tr')]"
                        ".find((row) => row.querySelector('th bdi')?.textContent === arguments[0])?.dataset.id", name)
    return found and f'#tokens-rows tr[data-id="{found}"]'


def press_in_row(page, name, action):
    page.wait(lambda: row(page, name), f"is there a row of {name}")
    page.click(f'{row(page, name)} [data-action="{action}"]')


def names(page):
    return page.texts("#tokens-rows th bdi:first-child")


def shoot(page, name):
    if SHOTS:
        page.screenshot(pathlib.Path(SHOTS) / f"{name}.png")
