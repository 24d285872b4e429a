# SPDX-License-Identifier: MIT
"""The real `skillreg`, with a home of its own and nothing of the caller's environment."""
from . import binaries
from .process import clean_environment, run, run_raw
from .terminal import Terminal


class CommandLine:
    def __init__(self, home, *, url=None, token=None, org=None, ca_file=None):
        self.home = home
        settings = {"SKILLREG_URL": url, "SKILLREG_TOKEN": token, "SKILLREG_ORG": org, "SSL_CERT_FILE": ca_file}
        self.settings = {name: str(value) for name, value in settings.items() if value is not None}

    def run(self, *arguments, text_in=None):
        return run([binaries.find("skillreg"), *arguments], text_in=text_in, cwd=self.home, env=self._environment())

    def run_raw(self, *arguments):
        return run_raw([binaries.find("skillreg"), *arguments], cwd=self.home, env=self._environment())

    def on_terminal(self, *arguments, columns=None):
        """Started, not awaited; to be closed. With `columns`, standard output is a terminal too, of that width."""
        return Terminal([binaries.find("skillreg"), *arguments], self._environment(), columns)

    def _environment(self):
        return clean_environment(HOME=str(self.home), **self.settings)

    def must(self, *arguments, text_in=None):
        done = self.run(*arguments, text_in=text_in)
        assert done.returncode == 0, f"skillreg {arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout
