# SPDX-License-Identifier: MIT
# Finds the headers of a library by the version that they define.

# gw_defined_number(<out> <header> <macro>): the value of a numeric #define, or nothing.
function(gw_defined_number out header macro)
  set(${out} "" PARENT_SCOPE)
  if(EXISTS "${header}")
    file(STRINGS "${header}" line REGEX "^#define ${macro}[ \t]")
    if(line MATCHES "(0x[0-9a-fA-F]+|[0-9]+)")
      math(EXPR value "${CMAKE_MATCH_1}" OUTPUT_FORMAT DECIMAL)
      set(${out} "${value}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

# gw_header_root(<out> <header> <macro> <least> <what>): the first of GATEWAY_INCLUDE_DIRS whose header defines macro as
# at least that number.
function(gw_header_root out header macro least what)
  math(EXPR least_number "${least}" OUTPUT_FORMAT DECIMAL)
  foreach(dir IN LISTS GATEWAY_INCLUDE_DIRS)
    gw_defined_number(value "${dir}/${header}" ${macro})
    if(value GREATER_EQUAL least_number)
      set(${out} "${dir}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  gw_missing("${what}")
endfunction()

# gw_mbedtls_root(<out>): of Mbed TLS 3.6.6 or later. The versions before it have holes that a peer reaches
# (CVE-2026-34873, CVE-2026-25835).
function(gw_mbedtls_root out)
  gw_header_root(dir mbedtls/build_info.h MBEDTLS_VERSION_NUMBER 0x03060600
                 "Mbed TLS 3.6.6 or later (CVE-2026-34873 and CVE-2026-25835 are open in older ones)")
  set(${out} "${dir}" PARENT_SCOPE)
endfunction()
