# SPDX-License-Identifier: MIT
"""A real Chromium, through its own driver. Elements are found and waited for by condition; what a person does (typing, clicking,
keys) goes through the browser's input, not through scripts."""
import pathlib
import shutil

import pytest

from . import binaries
from .waiting import PATIENCE_S

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
AXE = binaries.ROOT / "build/browser/node_modules/axe-core/axe.min.js"
PHONE = (360, 780)
DESKTOP = (1280, 900)
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-search-engine-choice-screen",
         "--no-default-browser-check", "--password-store=basic", "--hide-scrollbars"]


def need():
    """Skips where there is no browser: ./dev deps installs one."""
    missing = [name for name, path in (("chromium", CHROMIUM), ("chromium-driver", DRIVER)) if path is None]
    try:
        import selenium  # noqa: F401
    except ImportError:
        missing.append("python3-selenium")
    if missing:
        pytest.skip("not installed: " + ", ".join(missing))


class Browser:
    """Starts at once; stop() ends it."""

    def __init__(self, directory, *more_flags):
        need()
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        options.set_capability("acceptInsecureCerts", True)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.profile = pathlib.Path(directory) / "profile"
        for flag in [*FLAGS, f"--user-data-dir={self.profile}", *more_flags]:
            options.add_argument(flag)
        self.driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        self.driver.set_page_load_timeout(PATIENCE_S)
        self.driver.set_script_timeout(PATIENCE_S)

    def stop(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    # ---- what is there ----

    def open(self, url):
        self.driver.get(url)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def text(self, selector):
        """As it is shown; None while there is no such element, or it has just been replaced."""
        return self.script("const found = document.querySelector(arguments[0]); return found && found.innerText.trim();", selector)

    def texts(self, selector):
        return self.script("return [...document.querySelectorAll(arguments[0])].map((found) => found.innerText.trim());", selector)

    def is_shown(self, selector):
        return self.script("const found = document.querySelector(arguments[0]);"
                           "return found !== null && found.checkVisibility();", selector)

    def focused(self):
        """The id of the element with the focus, or its text."""
        return self.script("const own = document.activeElement; return own.id || own.getAttribute('aria-label') || own.innerText.trim();")

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def wait(self, condition, what):
        """Until `condition()` is true, which it returns."""
        from selenium.webdriver.support.ui import WebDriverWait
        return WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.05).until(lambda _: condition(), what)

    def wait_shown(self, selector):
        return self.wait(lambda: self.is_shown(selector), f"is {selector} shown")

    def wait_gone(self, selector):
        return self.wait(lambda: not self.is_shown(selector), f"is {selector} gone")

    def wait_text(self, selector, part):
        return self.wait(lambda: part in (self.text(selector) or ""),
                         f"does {selector} say {part!r}; it says {self.text(selector)!r}")

    # ---- what a person does ----

    def click(self, selector):
        self.wait_shown(selector)
        self.find(selector).click()

    def type(self, selector, text):
        field = self.find(selector)
        field.clear()
        field.send_keys(text)

    def choose(self, selector, value):
        from selenium.webdriver.support.ui import Select
        Select(self.find(selector)).select_by_value(value)

    def press(self, *keys):
        """Keys by their name (TAB, ESCAPE, SHIFT+TAB), to what has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys
        chain = ActionChains(self.driver)
        for key in keys:
            *held, last = key.split("+")
            for one in held:
                chain.key_down(getattr(Keys, one))
            chain.send_keys(getattr(Keys, last, last))
            for one in held:
                chain.key_up(getattr(Keys, one))
        chain.perform()

    # ---- how it is shown ----

    def resize(self, size):
        width, height = size
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def prefer(self, scheme):
        """light or dark."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def overflow(self):
        """By how many pixels the page is wider than its window."""
        return self.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def problems(self):
        """What the console has said since the last call: errors of scripts, and what the policy refused."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path):
        self.driver.save_screenshot(str(path))

    def violations(self):
        """Of accessibility, by axe-core."""
        if not AXE.exists():
            pytest.skip("axe-core is not there: ./dev deps installs it where npm is")
        if not self.script("return typeof axe !== 'undefined'"):
            self.script(AXE.read_text(encoding="utf-8") + "; window.axe = axe;")
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document, {resultTypes: ['violations']}).then((results) => done(results.violations), (fault) => done(String(fault)));")
        assert isinstance(found, list), found
        return [f"{each['id']}: {each['help']}: {node['html'][:160]}" for each in found for node in each["nodes"]]
