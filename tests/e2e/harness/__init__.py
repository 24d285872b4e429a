# SPDX-License-Identifier: MIT
"""What the end-to-end tests stand on: real processes, a raw HTTP client, a registry that does as it is told."""
