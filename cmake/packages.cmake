# SPDX-License-Identifier: MIT
# cpack -G DEB: the two packages, from the components of install.cmake.
#
# Nothing in them tells where or when they were built: package_files.cmake, which runs before they are closed, brings each
# file to the date of the commit.

set(CPACK_PACKAGE_NAME skillreg-gateway)
set(CPACK_PACKAGE_VENDOR "The SkillReg token gateway authors")
set(CPACK_PACKAGE_CONTACT "The SkillReg token gateway authors <authors@skillreg-gateway.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL gateway cli)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/package_files.cmake")
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_BINARY_DIR}/package_settings.cmake")
file(WRITE "${CPACK_PROJECT_CONFIG_FILE}" "set(ENV{SOURCE_DATE_EPOCH} ${GATEWAY_SOURCE_DATE})
set(CPACK_GATEWAY_SOURCE_DIR \"${PROJECT_SOURCE_DIR}\")\n")

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_GATEWAY_PACKAGE_NAME skillreg-gateway)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_SECTION net)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_DEPENDS "ca-certificates, procps, systemd | systemd-sysusers") # procps: /bin/kill of the unit
set(CPACK_DEBIAN_GATEWAY_PACKAGE_SUGGESTS "postgresql, skillreg")
set(CPACK_COMPONENT_GATEWAY_DESCRIPTION "token gateway in front of a SkillReg registry
Terminates TLS, decides for each request whether its API token is live and
may do what it asks, forwards what is allowed to the registry, and lets
people create, list and revoke tokens. Its state is in PostgreSQL.")
set(CPACK_DEBIAN_GATEWAY_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/packaging/debian/postinst;${PROJECT_SOURCE_DIR}/packaging/debian/prerm;${PROJECT_SOURCE_DIR}/packaging/debian/postrm;${PROJECT_SOURCE_DIR}/packaging/debian/conffiles")

set(CPACK_DEBIAN_CLI_PACKAGE_NAME skillreg)
set(CPACK_DEBIAN_CLI_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_CLI_PACKAGE_DEPENDS ca-certificates)
set(CPACK_COMPONENT_CLI_DESCRIPTION "command line for the API tokens of a SkillReg registry
Creates, lists, rotates and revokes the API tokens of an organisation at
the SkillReg token gateway, and shows what happened to them. With man page
and completion for bash, zsh and fish.")

include(CPack)
