# SPDX-License-Identifier: MIT
"""./dev bench: the gateway beside its peers, on this machine, over loopback. bench/README.md says what and why."""
