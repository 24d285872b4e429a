# SPDX-License-Identifier: MIT
# Two builds of one commit are equal, wherever they are made and when: no path of a build is in what it makes, and the only
# date is that of the commit. Of a tree without git, SOURCE_DATE_EPOCH in the environment says it, else it is 1980.

foreach(map IN ITEMS "${PROJECT_BINARY_DIR}=build" "${PROJECT_SOURCE_DIR}=.")
  target_compile_options(gw_options INTERFACE "$<$<CONFIG:Release,RelWithDebInfo>:-ffile-prefix-map=${map}>")
  target_link_options(gw_options INTERFACE "$<$<CONFIG:Release,RelWithDebInfo>:-ffile-prefix-map=${map}>") # LTO compiles there
endforeach()

# gw_source_date(<out>): seconds since 1970.
function(gw_source_date out)
  set(date "$ENV{SOURCE_DATE_EPOCH}")
  if(date STREQUAL "" AND EXISTS "${PROJECT_SOURCE_DIR}/.git")
    execute_process(COMMAND git -C "${PROJECT_SOURCE_DIR}" -c safe.directory=* log -1 --format=%ct
                    OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(NOT date MATCHES "^[0-9]+$")
    set(date 315532800)
  endif()
  set(${out} "${date}" PARENT_SCOPE)
endfunction()

gw_source_date(GATEWAY_SOURCE_DATE)
