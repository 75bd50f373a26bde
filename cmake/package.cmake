# `make package`: weir_VERSION_ARCH.deb with the program, its man page, completions, a unit of systemd and a first
# configuration. The library is not in it. dpkg-shlibdeps finds what it depends on.
install(FILES packaging/weir.service DESTINATION /lib/systemd/system COMPONENT service EXCLUDE_FROM_ALL)
install(FILES packaging/weir.yaml DESTINATION /etc/weir COMPONENT service EXCLUDE_FROM_ALL)
install(FILES packaging/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/weir COMPONENT service EXCLUDE_FROM_ALL)
# Debian compresses both, without a time stamp, so that the same tree makes the same package.
install(CODE "
  set(share \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
  execute_process(COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/packaging/changelog OUTPUT_FILE \"\${share}/doc/weir/changelog.gz\"
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND gzip -9nf \"\${share}/man/man1/weir.1\" COMMAND_ERROR_IS_FATAL ANY)" COMPONENT service EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weir)
set(CPACK_PACKAGE_VENDOR "the developers of Weir")
set(CPACK_PACKAGE_CONTACT "the developers of Weir <weir@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "event pipelines and API gateways that keep their promises under overload")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Events and requests through systems that can be overloaded: queues with bounds,
 answers with a cause and a time to come back, journals that survive power loss.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/conffiles)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program service)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_STRIP_FILES ON)
include(CPack)
