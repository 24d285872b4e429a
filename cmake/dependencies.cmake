# SPDX-License-Identifier: MIT
# Every foreign library, each as one imported target deps_<name>.
#
# All come from the system's packages. Only llhttp 9 and Mbed TLS 3.6 are too old or missing on Debian 12: there
# `./dev deps` unpacks them, as static libraries, under build/deps, which is looked at after the system.

set(GATEWAY_DEPS_DIR "${PROJECT_SOURCE_DIR}/build/deps/root" CACHE PATH
    "Where ./dev deps unpacks what the system does not have")

function(gw_missing what)
  message(FATAL_ERROR "${what} not found: run ./dev deps")
endfunction()

find_package(PkgConfig)
if(NOT PKG_CONFIG_FOUND)
  gw_missing("pkg-config")
endif()

# gw_pkg_config_target(<target> <module and version>): an imported target from a pkg-config module.
function(gw_pkg_config_target target module)
  pkg_check_modules(${target} QUIET IMPORTED_TARGET GLOBAL "${module}")
  if(NOT ${target}_FOUND)
    gw_missing("${module}")
  endif()
  add_library(${target} ALIAS PkgConfig::${target})
endfunction()

gw_pkg_config_target(deps_uv "libuv>=1.44")
gw_pkg_config_target(deps_pq "libpq>=14")
gw_pkg_config_target(deps_curl "libcurl>=7.85")
if(GATEWAY_TESTS)
  gw_pkg_config_target(deps_cmocka "cmocka>=1.1.5")
endif()

find_path(JSMN_INCLUDE_DIR jsmn.h)
if(NOT JSMN_INCLUDE_DIR)
  gw_missing("jsmn.h (libjsmn-dev)")
endif()
add_library(deps_jsmn INTERFACE)
target_include_directories(deps_jsmn SYSTEM INTERFACE "${JSMN_INCLUDE_DIR}")

find_path(CSV_INCLUDE_DIR csv.h)
find_library(CSV_LIBRARY csv)
if(NOT CSV_INCLUDE_DIR OR NOT CSV_LIBRARY)
  gw_missing("libcsv (libcsv-dev)")
endif()
add_library(deps_csv INTERFACE)
target_include_directories(deps_csv SYSTEM INTERFACE "${CSV_INCLUDE_DIR}")
target_link_libraries(deps_csv INTERFACE "${CSV_LIBRARY}")

include(header_root) # gw_header_root

# gw_import_library(<target> <include dir> <name> [STATIC]): static from build/deps, else what the system's linker would
# take, or the static one where it is there and asked for.
function(gw_import_library target include_dir name)
  if("STATIC" IN_LIST ARGN)
    set(static_name lib${name}.a)
  endif()
  if(include_dir MATCHES "^${GATEWAY_DEPS_DIR}")
    find_library(${target}_LIBRARY NAMES lib${name}.a NO_DEFAULT_PATH
                 PATHS "${GATEWAY_DEPS_DIR}/usr/lib"
                 PATH_SUFFIXES "${CMAKE_LIBRARY_ARCHITECTURE}")
  else()
    find_library(${target}_LIBRARY NAMES ${static_name} ${name})
  endif()
  if(NOT ${target}_LIBRARY)
    gw_missing("lib${name}")
  endif()
  mark_as_advanced(${target}_LIBRARY)
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${${target}_LIBRARY}")
  if(NOT include_dir STREQUAL "/usr/include")
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${include_dir}")
  endif()
endfunction()

find_path(UTF8PROC_INCLUDE_DIR utf8proc.h)
if(NOT UTF8PROC_INCLUDE_DIR)
  gw_missing("utf8proc.h (libutf8proc-dev)")
endif()
gw_import_library(deps_utf8proc "${UTF8PROC_INCLUDE_DIR}" utf8proc STATIC)

# The system's before build/deps.
set(GATEWAY_INCLUDE_DIRS "/usr/include" "/usr/local/include" "${GATEWAY_DEPS_DIR}/usr/include")

gw_header_root(LLHTTP_INCLUDE_DIR llhttp.h LLHTTP_VERSION_MAJOR 9 "llhttp 9")
gw_import_library(deps_llhttp "${LLHTTP_INCLUDE_DIR}" llhttp)

gw_mbedtls_root(MBEDTLS_INCLUDE_DIR)
# The linker can put nettle in front of a static Mbed TLS only.
set(mbedtls_kind "")
if(GATEWAY_NETTLE)
  set(mbedtls_kind STATIC)
endif()
gw_import_library(deps_mbedcrypto "${MBEDTLS_INCLUDE_DIR}" mbedcrypto ${mbedtls_kind})
gw_import_library(deps_mbedx509 "${MBEDTLS_INCLUDE_DIR}" mbedx509 ${mbedtls_kind})
gw_import_library(deps_mbedtls "${MBEDTLS_INCLUDE_DIR}" mbedtls ${mbedtls_kind})
target_link_libraries(deps_mbedx509 INTERFACE deps_mbedcrypto)
target_link_libraries(deps_mbedtls INTERFACE deps_mbedx509 deps_mbedcrypto)

# GATEWAY_HAS_NETTLE: the option is on, and all that it needs is here.
set(GATEWAY_HAS_NETTLE OFF)
if(GATEWAY_NETTLE)
  pkg_check_modules(deps_nettle QUIET IMPORTED_TARGET GLOBAL "hogweed>=3.6" "nettle>=3.6" gmp)
  if(deps_nettle_FOUND AND CMAKE_SIZEOF_VOID_P EQUAL 8 AND deps_mbedcrypto_LIBRARY MATCHES "[.]a$")
    add_library(deps_nettle ALIAS PkgConfig::deps_nettle)
    set(GATEWAY_HAS_NETTLE ON)
  else()
    message(STATUS "Elliptic curves, AES-GCM and SHA-256 by Mbed TLS alone, which is slower: nettle-dev or libmbedcrypto.a is not there")
  endif()
endif()
