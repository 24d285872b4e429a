# SPDX-License-Identifier: MIT
# The man pages, printed by the programs themselves from the tables that make their --help.
function(gw_add_man_page program section)
  set(page "${PROJECT_BINARY_DIR}/man/${program}.${section}")
  add_custom_command(OUTPUT "${page}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${PROJECT_BINARY_DIR}/man"
    COMMAND ${program} __man > "${page}"
    DEPENDS ${program} COMMENT "man page ${program}.${section}" VERBATIM)
  add_custom_target(man_${program} ALL DEPENDS "${page}")
endfunction()

if(NOT CMAKE_CROSSCOMPILING)
  gw_add_man_page(skillreg 1)
  gw_add_man_page(skillreg-gateway 8)
endif()
