# SPDX-License-Identifier: MIT
"""An OpenID Connect issuer as a CI system or a cluster has one: it publishes its keys over HTTPS, and signs identity tokens with them,
by openssl.

    issuer = Issuer(tmp_path)
    token = issuer.token(github_claims(repository="acme/repo"))

Every request to it is in `issuer.server.requests` (harness/upstream.py); issuer.behave() makes it fail as the test wants."""
import base64
import json
import ssl
import subprocess
import time
import uuid

from . import certificate
from .upstream import Upstream
from .waiting import PATIENCE_S

AUDIENCE = "https://skillreg.test"
DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"

_CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48), "ES512": ("P-521", 66)}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _openssl(*words, text_in=None):
    return subprocess.run(["openssl", *map(str, words)], input=text_in, check=True, capture_output=True, timeout=PATIENCE_S).stdout


def _integers_of(der):
    """Of a SEQUENCE of two INTEGERs, as ECDSA signs."""
    at = 3 if der[1] & 0x80 else 2
    for _ in range(2):
        length = der[at + 1]
        yield int.from_bytes(der[at + 2:at + 2 + length], "big")
        at += 2 + length


class Key:
    """A private key in a file, for one algorithm of RFC 7518 or RFC 8037. `bits` is of RSA."""

    def __init__(self, directory, kid, algorithm="RS256", bits=2048):
        self.kid, self.algorithm = kid, algorithm
        self.path = directory / f"{uuid.uuid4().hex}.pem"
        if algorithm in _CURVES:
            options = ["EC", "-pkeyopt", f"ec_paramgen_curve:{_CURVES[algorithm][0]}"]
        elif algorithm == "EdDSA":
            options = ["ED25519"]
        else:
            options = ["RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"]
        _openssl("genpkey", "-out", self.path, "-algorithm", *options)

    def jwk(self, **more):
        """What is published of it; `more` members, None to leave one out."""
        members = {"kid": self.kid, "use": "sig", "alg": self.algorithm, **self._point(), **more}
        return {name: value for name, value in members.items() if value is not None}

    def _point(self):
        if self.algorithm.startswith(("RS", "PS")):
            modulus = _openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip().partition("=")[2]
            return {"kty": "RSA", "n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}
        public = _openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        if self.algorithm == "EdDSA":
            return {"kty": "OKP", "crv": "Ed25519", "x": base64url(public[-32:])}
        curve, size = _CURVES[self.algorithm]
        return {"kty": "EC", "crv": curve, "x": base64url(public[-2 * size:-size]), "y": base64url(public[-size:])}

    def sign(self, data):
        if self.algorithm == "EdDSA":
            message = self.path.with_suffix(f".{uuid.uuid4().hex}")  # one that it cannot read from a pipe
            message.write_bytes(data)
            signature = _openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", message)
            message.unlink()
            return signature
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if self.algorithm.startswith("PS") else []
        signature = _openssl("dgst", f"-sha{self.algorithm[2:]}", "-sign", self.path, *options, text_in=data)
        if self.algorithm not in _CURVES:
            return signature
        size = _CURVES[self.algorithm][1]
        return b"".join(each.to_bytes(size, "big") for each in _integers_of(signature))


def github_claims(repository="acme/repo", **more):
    """As GitHub Actions has them for a push to main."""
    owner = repository.partition("/")[0]
    return {"sub": f"repo:{repository}:ref:refs/heads/main", "repository": repository, "repository_id": "123456",
            "repository_owner": owner, "repository_owner_id": "65432", "repository_visibility": "private",
            "ref": "refs/heads/main", "ref_type": "branch", "event_name": "push", "actor": "octocat", "actor_id": "12",
            "workflow": "Publish", "workflow_ref": f"{repository}/.github/workflows/publish.yml@refs/heads/main",
            "job_workflow_ref": f"{repository}/.github/workflows/publish.yml@refs/heads/main",
            "run_id": "1234567890", "run_number": "10", "run_attempt": "2", "runner_environment": "github-hosted", **more}


def gitlab_claims(project_path="acme/group/repo", **more):
    """As GitLab has them in an id token of a job on main."""
    namespace = project_path.rpartition("/")[0]
    return {"sub": f"project_path:{project_path}:ref_type:branch:ref:main", "namespace_id": "72", "namespace_path": namespace,
            "project_id": "20", "project_path": project_path, "user_id": "1", "user_login": "sample-user", "pipeline_id": "574",
            "pipeline_source": "push", "job_id": "302", "ref": "main", "ref_type": "branch", "ref_protected": "true",
            "ref_path": "refs/heads/main", "runner_environment": "self-hosted", **more}


def kubernetes_claims(namespace="ci", service_account="deployer", **more):
    """As a projected token of a service account has them: the audience is a list, and there is no text in its nested claims that a
    path does not name."""
    own = {"namespace": namespace, "serviceaccount": {"name": service_account, "uid": "d8e0-42"},
           "pod": {"name": "build-1", "uid": "a1b2"}, "warnafter": int(time.time()) + 300}
    return {"sub": f"system:serviceaccount:{namespace}:{service_account}", "aud": [AUDIENCE], "kubernetes.io": own, **more}


class Issuer:
    """Runs from the start. `keys` are those that it publishes, the first signs. `ca` is the file to trust it by."""

    def __init__(self, directory, name="issuer", algorithm="RS256", bits=2048):
        self.directory = directory
        pair = certificate.make(directory, name)
        self.ca = pair.cert
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        self.server = Upstream(tls=context)
        self.url = self.server.url
        self.keys = [Key(directory, f"{name}-1", algorithm, bits)]
        self._kids = 1
        self._name = name
        self._answers = {}
        self.server.behave(self._behave)

    def rotate(self, algorithm="RS256", keep_old=True):
        """A new key, which signs from now on."""
        self._kids += 1
        fresh = Key(self.directory, f"{self._name}-{self._kids}", algorithm)
        self.keys = [fresh, *(self.keys if keep_old else [])]
        return fresh

    # ---- what it publishes ----
    def discovery(self, **more):
        return {"issuer": self.url, "jwks_uri": f"{self.url}{KEYS}", "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"], **more}

    def key_set(self):
        return {"keys": [key.jwk() for key in self.keys]}

    def behave(self, path, behaviour):
        """At `path` as a behaviour of harness/upstream.py; None: as usual again."""
        self._answers[path] = behaviour

    def reset(self):
        """As usual everywhere, and nothing recorded."""
        self._answers.clear()
        self.server.settle()
        self.server.requests.clear()

    def answer(self, path, body, status=200, fields=()):
        """At `path` with these bytes, or this document."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.behave(path, lambda exchange: exchange.reply(status, [("Content-Type", "application/json"), *fields], data))

    def fetches(self, path=KEYS):
        return sum(request.target == path for request in list(self.server.requests))

    def _behave(self, exchange):
        path = exchange.request.target
        documents = {DISCOVERY: self.discovery, KEYS: self.key_set}
        if self._answers.get(path):
            self._answers[path](exchange)
        elif path in documents:
            exchange.reply(200, [("Content-Type", "application/json")], json.dumps(documents[path]()).encode())
        else:
            exchange.reply(404, [], b"not here")

    # ---- what it signs ----
    def claims(self, claims=(), life_s=300, **more):
        """With the registered ones around `claims`; None leaves one out."""
        now = int(time.time())
        members = {"iss": self.url, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + life_s, "jti": str(uuid.uuid4()),
                   **dict(claims), **more}
        return {name: value for name, value in members.items() if value is not None}

    def token(self, claims=(), *, key=None, header=None, **more):
        """A compact JWS over claims(claims, **more). `header`: members in place of the usual ones, None to leave one out."""
        key = key or self.keys[0]
        members = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT", **(header or {})}
        members = {name: value for name, value in members.items() if value is not None}
        parts = [base64url(json.dumps(part).encode()) for part in (members, self.claims(claims, **more))]
        return f"{'.'.join(parts)}.{base64url(key.sign('.'.join(parts).encode()))}"

    def stop(self):
        self.server.stop()
