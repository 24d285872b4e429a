# SPDX-License-Identifier: MIT
"""Servers under test. Each has a name, `http` and `https` addresses, `cpu_seconds()`, `stop()`, and says with
`identifies` and `refuses` what its answers must look like (see verify.py)."""
