# SPDX-License-Identifier: MIT
"""A Prometheus that scrapes gateways as the job skillreg-gateway, each second, into a directory of the test."""
import json
import urllib.parse
import urllib.request

from . import ports
from .process import Process, clean_environment
from .proxies import find_or_skip
from .waiting import PATIENCE_S, eventually

CONFIGURATION = """
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: {rules}
scrape_configs:
  - job_name: skillreg-gateway
    static_configs:
      - targets: {targets}
"""


class Prometheus:
    """Starts at once, waits until it answers; stop() at the end in any case."""

    def __init__(self, directory, targets, rules=()):
        port = ports.free_port()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._address = f"http://127.0.0.1:{port}"
        configuration = directory / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(targets=json.dumps(list(targets)), rules=json.dumps(list(map(str, rules)))))
        self.process = Process([find_or_skip("prometheus"), f"--config.file={configuration}", f"--storage.tsdb.path={directory}/tsdb",
                                f"--web.listen-address=127.0.0.1:{port}"],
                               directory / "prometheus.log", cwd=directory, env=clean_environment())
        try:
            eventually(self._is_ready, lambda: f"did it start:\n{self.process.log()}")
        except BaseException:
            self.stop()
            raise

    def _is_ready(self):
        try:
            with self._opener.open(f"{self._address}/-/ready", timeout=PATIENCE_S) as answer:
                return answer.status == 200
        except OSError:
            return False

    def get(self, path, **parameters):
        """What the API has as `data`."""
        url = f"{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with self._opener.open(url, timeout=PATIENCE_S) as answer:
            body = json.load(answer)
        assert body["status"] == "success", body
        return body["data"]

    def query(self, expression):
        """[({label: value}, number)] of now; fails on what it cannot read."""
        return [(series["metric"], float(series["value"][1])) for series in self.get("query", query=expression)["result"]]

    def stop(self):
        self.process.stop()
