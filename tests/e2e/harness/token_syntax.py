# SPDX-License-Identifier: MIT
"""Secrets as others make them, written anew from DESIGN section 5 so that the gateway is not its own judge."""
import base64
import binascii
import secrets


def own_body(prefix, random=None):
    random = secrets.token_bytes(32) if random is None else random
    checksum = binascii.crc32(prefix.encode() + random).to_bytes(4, "big")
    return base64.urlsafe_b64encode(random + checksum).decode()


def make(prefix="sr_live_"):
    """Well-formed, with a right checksum, and known to nobody."""
    return prefix + own_body(prefix)


def checksum_is_right(secret):
    prefix = secret[:8]
    decoded = base64.urlsafe_b64decode(secret[8:])
    return decoded[32:] == binascii.crc32(prefix.encode() + decoded[:32]).to_bytes(4, "big")
