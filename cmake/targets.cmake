# SPDX-License-Identifier: MIT
# How a folder becomes a library and its unit tests.

# gw_add_library(<name> [EXCLUDE <file>...] [LINK <target>...]): every .c of the folder, but for the excluded ones.
function(gw_add_library name)
  cmake_parse_arguments(ARG "" "" "EXCLUDE;LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.c)
  foreach(file IN LISTS ARG_EXCLUDE)
    list(REMOVE_ITEM sources "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
  endforeach()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC gw_options ${ARG_LINK})
endfunction()

# gw_add_unit_tests(<folder> [LINK <target>...]): each test_<x>.c of the folder is one test program.
function(gw_add_unit_tests folder)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/test_*.c)
  foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    string(REGEX REPLACE "^test_" "" name "${name}")
    string(REPLACE "/" "_" target "unit_${folder}_${name}")
    add_executable(${target} "${source}")
    target_link_libraries(${target} PRIVATE ${ARG_LINK} gw_options deps_cmocka)
    target_compile_definitions(${target} PRIVATE GATEWAY_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${folder}/${name} COMMAND ${target})
    set_tests_properties(${folder}/${name} PROPERTIES TIMEOUT 300) # that hangs, also on a machine with much else to do
  endforeach()
endfunction()
