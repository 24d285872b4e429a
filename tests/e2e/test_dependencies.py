# SPDX-License-Identifier: MIT
"""The build refuses a library with known holes, by the version that its header defines."""
import shutil
import subprocess

import pytest

from harness import binaries

SCRIPT = """
function(gw_missing what)
  message(FATAL_ERROR "${what} not found: run ./dev deps")
endfunction()
list(APPEND CMAKE_MODULE_PATH "%s")
include(header_root)
set(GATEWAY_INCLUDE_DIRS %s)
gw_mbedtls_root(dir)
message("found ${dir}")
"""


def header(folder, number):
    (folder / "mbedtls").mkdir(parents=True)
    (folder / "mbedtls/build_info.h").write_text(f"#define MBEDTLS_VERSION_MAJOR          3\n#define MBEDTLS_VERSION_NUMBER         {number}\n")
    return folder


@pytest.mark.parametrize("number, is_taken", [("0x02281000", False), ("0x03060500", False), ("0x03060600", True), ("0x03060700", True)])
def test_mbed_tls_below_3_6_6_is_refused(number, is_taken, tmp_path):
    if not shutil.which("cmake"):
        pytest.skip("cmake is not installed")
    found = header(tmp_path / "include", number)
    script = tmp_path / "find.cmake"
    script.write_text(SCRIPT % (binaries.ROOT / "cmake", f'"{tmp_path}/none" "{found}"'))
    done = subprocess.run(["cmake", "-P", script], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == is_taken, done.stderr
    if is_taken:
        assert f"found {found}" in done.stderr
    else:
        assert "Mbed TLS 3.6.6 or later" in done.stderr and "CVE-2026-34873" in done.stderr and "./dev deps" in done.stderr
