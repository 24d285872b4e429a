# SPDX-License-Identifier: MIT
# What Debian wants of the files of a package: compressed man pages and changes, a copyright file, their date. Run by cpack when
# a package's files are in place and before they are packed.

set(packaging "${CPACK_GATEWAY_SOURCE_DIR}/packaging/debian")
set(maintainer "${CPACK_PACKAGE_CONTACT}")
set(version "${CPACK_PACKAGE_VERSION}")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH

file(READ "${CPACK_GATEWAY_SOURCE_DIR}/LICENSE" license)
string(REGEX REPLACE "^.*\n\nPermission" "Permission" license "${license}")
string(STRIP "${license}" license)
string(REPLACE "\n\n" "\n.\n" license "${license}")
string(REPLACE "\n" "\n " license " ${license}")

file(GLOB trees LIST_DIRECTORIES ON "${CPACK_TEMPORARY_DIRECTORY}/*")
foreach(tree IN LISTS trees)
  file(GLOB_RECURSE compressed "${tree}/usr/share/man/*.[1-9]")
  file(GLOB docs LIST_DIRECTORIES ON "${tree}/usr/share/doc/*")
  foreach(doc IN LISTS docs)
    get_filename_component(package "${doc}" NAME)
    configure_file("${packaging}/copyright" "${doc}/copyright" @ONLY)
    configure_file("${packaging}/changelog" "${doc}/changelog" @ONLY)
    file(COPY_FILE "${CPACK_GATEWAY_SOURCE_DIR}/CHANGELOG.md" "${doc}/CHANGELOG.md")
    file(REMOVE "${doc}/LICENSE")
    list(APPEND compressed "${doc}/changelog")
    if(EXISTS "${packaging}/${package}.lintian-overrides")
      file(MAKE_DIRECTORY "${tree}/usr/share/lintian/overrides")
      file(COPY_FILE "${packaging}/${package}.lintian-overrides" "${tree}/usr/share/lintian/overrides/${package}")
    endif()
  endforeach()
  execute_process(COMMAND gzip -9nf ${compressed} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND find "${tree}" -type d -exec chmod 755 "{}" + -o -type f -path "*/usr/share/*" -exec chmod 644 "{}" +
                  COMMAND_ERROR_IS_FATAL ANY) # whatever the umask was
  execute_process(COMMAND find "${tree}" -exec touch --no-dereference --date "@$ENV{SOURCE_DATE_EPOCH}" "{}" +
                  COMMAND_ERROR_IS_FATAL ANY)
endforeach()
