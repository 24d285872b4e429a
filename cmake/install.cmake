# SPDX-License-Identifier: MIT
# cmake --install: a component for each program, `gateway` and `cli`, which are also the two packages.
#
# Under the prefix /usr it all lies where Debian wants it, and settings in /etc; under another one everything is below it.
include(GNUInstallDirs)

set(made "${PROJECT_BINARY_DIR}/install")
set(gateway_doc "${CMAKE_INSTALL_DATAROOTDIR}/doc/skillreg-gateway")
set(cli_doc "${CMAKE_INSTALL_DATAROOTDIR}/doc/skillreg")

function(gw_add_completion shell file)
  add_custom_command(OUTPUT "${made}/${shell}/${file}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${made}/${shell}"
    COMMAND skillreg completion ${shell} > "${made}/${shell}/${file}"
    DEPENDS skillreg COMMENT "completion for ${shell}" VERBATIM)
  add_custom_target(completion_${shell} ALL DEPENDS "${made}/${shell}/${file}")
endfunction()

install(TARGETS skillreg-gateway RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT gateway)
install(TARGETS skillreg RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT cli)

if(NOT CMAKE_CROSSCOMPILING) # else the programs cannot say what these are made of
  gw_add_completion(bash skillreg)
  gw_add_completion(zsh _skillreg)
  gw_add_completion(fish skillreg.fish)
  install(FILES "${made}/bash/skillreg" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions" COMPONENT cli)
  install(FILES "${made}/fish/skillreg.fish" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/fish/vendor_completions.d" COMPONENT cli)
  install(FILES "${PROJECT_BINARY_DIR}/man/skillreg.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT cli)
  install(FILES "${PROJECT_BINARY_DIR}/man/skillreg-gateway.8" DESTINATION "${CMAKE_INSTALL_MANDIR}/man8" COMPONENT gateway)
endif()

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${gateway_doc}" COMPONENT gateway)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${cli_doc}" COMPONENT cli)
install(FILES "${PROJECT_BINARY_DIR}/sbom/skillreg-gateway.spdx.json" DESTINATION "${gateway_doc}" COMPONENT gateway)
install(FILES "${PROJECT_BINARY_DIR}/sbom/skillreg.spdx.json" DESTINATION "${cli_doc}" COMPONENT cli)
foreach(page IN ITEMS README SECURITY CHANGELOG)
  install(FILES "${PROJECT_SOURCE_DIR}/${page}.md" DESTINATION "${gateway_doc}" COMPONENT gateway)
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs" DESTINATION "${gateway_doc}" COMPONENT gateway)

# What depends on the prefix, which is known when it is installed: install_by_prefix.cmake.
foreach(component IN ITEMS gateway cli)
  install(CODE "set(component ${component})
set(source_dir \"${PROJECT_SOURCE_DIR}\")
set(made \"${made}\")
include(\"${PROJECT_SOURCE_DIR}/cmake/install_by_prefix.cmake\")" COMPONENT ${component})
endforeach()
