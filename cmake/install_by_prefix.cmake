# SPDX-License-Identifier: MIT
# A part of cmake --install: what lies elsewhere, or says something else, under another prefix. `component`, `source_dir` and
# `made` (a folder of the build) are set by install.cmake.

set(prefix "${CMAKE_INSTALL_PREFIX}")
if(prefix STREQUAL "/usr")
  set(sysconfdir /etc)
  set(zsh_functions vendor-completions)
else()
  set(sysconfdir "${prefix}/etc")
  set(zsh_functions site-functions) # which zsh looks for under /usr/local
endif()

if(component STREQUAL "cli" AND EXISTS "${made}/zsh/_skillreg")
  file(INSTALL "${made}/zsh/_skillreg" DESTINATION "${prefix}/share/zsh/${zsh_functions}")
endif()

if(component STREQUAL "gateway")
  foreach(unit IN ITEMS skillreg-gateway.service skillreg-gateway.socket)
    configure_file("${source_dir}/packaging/systemd/${unit}" "${made}/${unit}" @ONLY)
    file(INSTALL "${made}/${unit}" DESTINATION "${prefix}/lib/systemd/system")
  endforeach()
  file(INSTALL "${source_dir}/packaging/systemd/skillreg-gateway.conf" DESTINATION "${prefix}/lib/sysusers.d")
  file(INSTALL "${source_dir}/packaging/gateway.env" DESTINATION "${sysconfdir}/skillreg"
       PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
endif()
