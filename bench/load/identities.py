# SPDX-License-Identifier: MIT
"""Identity tokens of a CI system, signed before the load starts, and the issuer's keys as a file."""
import base64
import json
import time
import uuid

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

ISSUER = "https://token.ci.test"
AUDIENCE = "https://skillreg.test"
REPOSITORY = "acme/tools"
ALGORITHMS = ("RS256", "RS256 of 4096 bits", "ES256", "EdDSA")


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _number(value):
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """One key of one of ALGORITHMS."""

    def __init__(self, algorithm):
        self.algorithm = algorithm.split()[0]
        if self.algorithm == "RS256":
            self._key = rsa.generate_private_key(65537, 4096 if "4096" in algorithm else 2048)
        elif self.algorithm == "ES256":
            self._key = ec.generate_private_key(ec.SECP256R1())
        else:
            self._key = ed25519.Ed25519PrivateKey.generate()

    def key_set(self):
        public = self._key.public_key()
        if self.algorithm == "RS256":
            own = {"kty": "RSA", "n": _number(public.public_numbers().n), "e": "AQAB"}
        elif self.algorithm == "ES256":
            numbers = public.public_numbers()
            own = {"kty": "EC", "crv": "P-256", "x": _base64url(numbers.x.to_bytes(32, "big")),
                   "y": _base64url(numbers.y.to_bytes(32, "big"))}
        else:
            own = {"kty": "OKP", "crv": "Ed25519", "x": _base64url(public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))}
        return json.dumps({"keys": [{"kid": "bench", "use": "sig", "alg": self.algorithm, **own}]})

    def _sign(self, data):
        if self.algorithm == "RS256":
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if self.algorithm == "ES256":
            r, s = utils.decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self._key.sign(data)

    def token(self, life_s=3000):
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + life_s, "jti": str(uuid.uuid4()),
                  "sub": f"repo:{REPOSITORY}:ref:refs/heads/main", "repository": REPOSITORY, "repository_id": "123456",
                  "repository_owner": "acme", "repository_owner_id": "65432", "ref": "refs/heads/main", "event_name": "push",
                  "workflow_ref": f"{REPOSITORY}/.github/workflows/publish.yml@refs/heads/main", "run_id": "1234567890",
                  "run_attempt": "1", "actor": "octocat", "runner_environment": "github-hosted"}
        head = {"alg": self.algorithm, "kid": "bench", "typ": "JWT"}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_base64url(self._sign(signed.encode()))}"

    def forged(self):
        """Of a token whose signature is another's: all of the work, for nothing."""
        head, claims, _ = self.token().split(".")
        return f"{head}.{claims}.{self.token().split('.')[2]}"


def write_list(path, issuer, count):
    path.write_text("".join(issuer.token() + "\n" for _ in range(count)), encoding="ascii")
    return path
