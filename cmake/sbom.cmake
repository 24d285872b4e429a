# SPDX-License-Identifier: MIT
# What is linked statically into each program, as SPDX 2.3: <build>/sbom/<program>.spdx.json. Shared libraries are packages of the
# system, which the Debian packages name as their dependencies.

function(gw_defined_text out header macro)
  set(${out} "" PARENT_SCOPE)
  file(STRINGS "${header}" line REGEX "^#define ${macro}[ \t]" LIMIT_COUNT 1)
  if(line MATCHES "[ \t]\"?([0-9][0-9.]*)\"?[ \t]*$")
    set(${out} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  endif()
endfunction()

# gw_three_numbers(<out> <header> <prefix>): the version that <prefix>_MAJOR, _MINOR and _PATCH make.
function(gw_three_numbers out header prefix)
  foreach(part IN ITEMS MAJOR MINOR PATCH)
    gw_defined_text(number "${header}" "${prefix}_${part}")
    list(APPEND numbers "${number}")
  endforeach()
  list(JOIN numbers "." version)
  set(${out} "${version}" PARENT_SCOPE)
endfunction()

# gw_debian_version(<out> <file>): that of the package that a file of the system belongs to, without Debian's own part.
function(gw_debian_version out file)
  set(version "")
  execute_process(COMMAND dpkg-query --search "${file}" OUTPUT_VARIABLE owner ERROR_QUIET RESULT_VARIABLE failure)
  if(failure EQUAL 0 AND owner MATCHES "^([^:]+)")
    execute_process(COMMAND dpkg-query --show --showformat "\${source:Upstream-Version}" "${CMAKE_MATCH_1}"
                    OUTPUT_VARIABLE version ERROR_QUIET)
  endif()
  set(${out} "${version}" PARENT_SCOPE)
endfunction()

# gw_sbom_package(<json out> <name> <version> <licence> <home> <file>): one member of "packages".
function(gw_sbom_package out name version licence home file)
  file(SHA256 "${file}" digest)
  get_filename_component(file_name "${file}" NAME)
  if(version)
    set(version_member "\n      \"versionInfo\": \"${version}\",")
  endif()
  set(${out} "{
      \"name\": \"${name}\",
      \"SPDXID\": \"SPDXRef-${name}\",${version_member}
      \"packageFileName\": \"${file_name}\",
      \"checksums\": [{\"algorithm\": \"SHA256\", \"checksumValue\": \"${digest}\"}],
      \"downloadLocation\": \"NOASSERTION\",
      \"homepage\": \"${home}\",
      \"licenseConcluded\": \"${licence}\",
      \"licenseDeclared\": \"${licence}\",
      \"copyrightText\": \"NOASSERTION\",
      \"filesAnalyzed\": false
    }" PARENT_SCOPE)
endfunction()

# gw_sbom(<program> <name>...): of these libraries those that were found as archives, or are headers alone.
function(gw_sbom program)
  string(TIMESTAMP created "%Y-%m-%dT%H:%M:%SZ" UTC)
  set(packages "")
  set(relationships "")
  foreach(name IN LISTS ARGN)
    if(NOT sbom_${name}_file MATCHES "[.][ah]$")
      continue()
    endif()
    gw_sbom_package(package "${name}" "${sbom_${name}_version}" "${sbom_${name}_licence}" "${sbom_${name}_home}"
                    "${sbom_${name}_file}")
    string(APPEND packages ",\n    ${package}")
    string(APPEND relationships ",\n    {\"spdxElementId\": \"SPDXRef-${program}\", \"relationshipType\": \"STATIC_LINK\", "
           "\"relatedSpdxElement\": \"SPDXRef-${name}\"}")
  endforeach()
  string(SHA256 digest "${program} ${PROJECT_VERSION} ${created} ${packages}")
  configure_file("${PROJECT_SOURCE_DIR}/packaging/sbom.spdx.json" "${PROJECT_BINARY_DIR}/sbom/${program}.spdx.json" @ONLY)
endfunction()

set(sbom_llhttp_file "${deps_llhttp_LIBRARY}")
set(sbom_llhttp_licence MIT)
set(sbom_llhttp_home "https://github.com/nodejs/llhttp")
gw_three_numbers(sbom_llhttp_version "${LLHTTP_INCLUDE_DIR}/llhttp.h" LLHTTP_VERSION)

gw_defined_text(mbedtls_version "${MBEDTLS_INCLUDE_DIR}/mbedtls/build_info.h" MBEDTLS_VERSION_STRING)
foreach(name IN ITEMS mbedtls mbedx509 mbedcrypto)
  set(sbom_${name}_file "${deps_${name}_LIBRARY}")
  set(sbom_${name}_licence "Apache-2.0 OR GPL-2.0-or-later")
  set(sbom_${name}_home "https://github.com/Mbed-TLS/mbedtls")
  set(sbom_${name}_version "${mbedtls_version}")
endforeach()

set(sbom_utf8proc_file "${deps_utf8proc_LIBRARY}")
set(sbom_utf8proc_licence "MIT AND Unicode-DFS-2015")
set(sbom_utf8proc_home "https://github.com/JuliaStrings/utf8proc")
gw_three_numbers(sbom_utf8proc_version "${UTF8PROC_INCLUDE_DIR}/utf8proc.h" UTF8PROC_VERSION)

set(sbom_jsmn_file "${JSMN_INCLUDE_DIR}/jsmn.h")
set(sbom_jsmn_licence MIT)
set(sbom_jsmn_home "https://github.com/zserge/jsmn")
gw_debian_version(sbom_jsmn_version "${sbom_jsmn_file}") # the header does not say

set(sbom_csv_file "${CSV_LIBRARY}")
set(sbom_csv_licence LGPL-2.1-or-later)
set(sbom_csv_home "https://sourceforge.net/projects/libcsv/")
gw_debian_version(sbom_csv_version "${sbom_csv_file}")

# `created` is the date of the commit: string(TIMESTAMP) goes by SOURCE_DATE_EPOCH.
set(ENV{SOURCE_DATE_EPOCH} "${GATEWAY_SOURCE_DATE}")
gw_sbom(skillreg-gateway llhttp mbedtls mbedx509 mbedcrypto utf8proc jsmn csv)
gw_sbom(skillreg utf8proc jsmn)
