# SPDX-License-Identifier: MIT
# One interface target carries every flag: what a folder compiles with is decided here alone.

option(GATEWAY_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer, every report fatal" OFF)
option(GATEWAY_COVERAGE "gcov counters" OFF)
option(GATEWAY_FUZZERS "libFuzzer targets (needs clang)" OFF)
option(GATEWAY_TESTS "unit tests" ON)
option(GATEWAY_NETTLE "elliptic curves, AES-GCM (tls/accelerate/) and the digests of tokens by nettle, where it is installed" ON)
option(GATEWAY_BENCH "the timings of bench/micro" OFF)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Debug)
endif()

# Assertions guard against our own bugs and stay live in release: no NDEBUG.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O3 -g")
set(CMAKE_C_FLAGS_RELEASE "-O3")

add_library(gw_options INTERFACE)
target_include_directories(gw_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(gw_options INTERFACE _GNU_SOURCE GATEWAY_VERSION="${PROJECT_VERSION}")
target_compile_options(
  gw_options
  INTERFACE -Wall
            -Wextra
            -Werror
            -Wshadow
            -Wconversion
            -Wno-sign-conversion
            -Wstrict-prototypes
            -Wmissing-prototypes
            -Wold-style-definition
            -Wpointer-arith
            -Wwrite-strings
            -Wundef
            -Wvla
            -Wformat=2
            -Wimplicit-fallthrough
            -fPIE
            -fno-strict-aliasing
            -fno-common)
target_link_options(gw_options INTERFACE -pie)

if(CMAKE_BUILD_TYPE MATCHES "^Rel")
  target_compile_options(gw_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
                                              -fstack-protector-strong -fstack-clash-protection)
  target_link_options(gw_options INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

if(GATEWAY_SANITIZE)
  target_compile_options(gw_options INTERFACE -O1 -fsanitize=address,undefined
                                              -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(gw_options INTERFACE -fsanitize=address,undefined)
  # A shared one brings another copy of what both libraries need, which the leak check reads through at every end: a
  # third of the processor time of a program that does little. Clang has one library for both.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_link_options(gw_options INTERFACE -static-libubsan)
  endif()
  # Two hundred test programs are linked, by lld in a third of the processor time. Where there is none, by what there is.
  find_program(GATEWAY_LLD ld.lld)
  mark_as_advanced(GATEWAY_LLD)
  if(GATEWAY_LLD)
    target_link_options(gw_options INTERFACE -fuse-ld=lld)
  endif()
endif()

if(GATEWAY_FUZZERS)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "The fuzzers need clang: cmake --preset fuzz")
  endif()
  target_compile_options(gw_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(GATEWAY_COVERAGE)
  target_compile_options(gw_options INTERFACE --coverage -O0)
  target_link_options(gw_options INTERFACE --coverage)
endif()
