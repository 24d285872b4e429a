# SPDX-License-Identifier: MIT
"""The blocks of the documents run as they are shown, and print what is shown."""
import pytest

from harness import binaries, documents
from harness.documents import Session
from harness.ports import free_port


@pytest.fixture
def shell(tmp_path, certificate):
    """A machine on which the programs are installed and the certificate is trusted."""
    own = Session(tmp_path)
    own.run(f"export PATH={binaries.find('skillreg').parent}:$PATH SSL_CERT_FILE={certificate.cert} CURL_CA_BUNDLE={certificate.cert}")
    yield own
    own.run("kill $(jobs -p); wait")
    own.close()


@pytest.fixture
def places(postgres, fresh_database, demonstration_registry, certificate):
    """What stands in the documents for what is another one on each machine."""
    https = free_port()
    return {"postgresql://skillreg@db.internal/skillreg": postgres.url_of(fresh_database),
            "http://registry.internal:8080": demonstration_registry, "chain.pem": certificate.cert, "key.pem": certificate.key,
            "0.0.0.0:8443": f"127.0.0.1:{https}", "skillreg.example.com:8443": f"localhost:{https}",
            "127.0.0.1:9090": f"127.0.0.1:{free_port()}"}


def run_all(shell, text, places):
    """Returns how many commands there were."""
    steps = documents.steps(text)
    for command, documented in steps:
        for name, place in places.items():
            command = command.replace(name, str(place))
        shell.run_as_shown(command, documented)
    return len(steps)


def test_the_ten_minutes_of_the_readme_run_as_shown(shell, places):
    text = documents.section(documents.read("README.md"), "Ten minutes to your own registry")
    assert run_all(shell, text, places) >= 10


def test_the_walk_through_the_api_runs_as_shown(session, tmp_path):
    text = documents.read("docs/api.md")
    (program,) = documents.blocks(text, "python")
    (tmp_path / "gateway.py").write_text(program, encoding="utf-8")
    assert run_all(session, text, {}) >= 15
