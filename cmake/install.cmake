# `cmake --install BUILD [--prefix DIR] [--component library|program]`: the library with find_package(weir), and the binary.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(library_layers base flow async component)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
foreach(layer ${library_layers})
  # The layers' own include directories are paths of this checkout; whoever installs gets those of the installed copy.
  set_property(TARGET weir_${layer} PROPERTY INTERFACE_INCLUDE_DIRECTORIES
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/lib> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/engine> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_property(TARGET weir_${layer} PROPERTY EXPORT_NAME ${layer})
  target_compile_features(weir_${layer} PUBLIC cxx_std_23)
  install(TARGETS weir_${layer} EXPORT weir ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
  install(DIRECTORY lib/weir/${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weir COMPONENT library
    FILES_MATCHING PATTERN *.h PATTERN *_for_test.h EXCLUDE)
endforeach()

set_property(TARGET weir_asio PROPERTY EXPORT_NAME asio)
install(TARGETS weir_asio EXPORT weir ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(EXPORT weir NAMESPACE weir:: FILE weir-targets.cmake DESTINATION ${package_dir} COMPONENT library)
configure_package_config_file(cmake/weir-config.cmake.in ${CMAKE_BINARY_DIR}/generated/weir-config.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change what is called unstable.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/weir-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/weir-config.cmake ${CMAKE_BINARY_DIR}/generated/weir-config-version.cmake
  DESTINATION ${package_dir} COMPONENT library)

# The same for pkg-config, a file for each target. Paths are relative to the file: the prefix may be moved.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_up /prefix/${pc_dir} /prefix)
string(REGEX REPLACE "/$" "" pc_up ${pc_up})
get_property(asio_definitions TARGET weir_asio PROPERTY INTERFACE_COMPILE_DEFINITIONS)
list(TRANSFORM asio_definitions PREPEND -D)
string(REPLACE ";" " " asio_definitions "${asio_definitions}")
foreach(layer ${library_layers})
  set(pc_requires "")
  set(pc_cflags "")
  set(pc_libs "")
  if(layer STREQUAL "base")
    set(pc_libs -pthread)
  elseif(layer STREQUAL "flow")
    set(pc_requires weir-base)
  elseif(layer STREQUAL "async")
    set(pc_requires weir-flow)
    set(pc_cflags "-I${Boost_INCLUDE_DIRS} ${asio_definitions}")
    set(pc_libs -lweir_asio)
  elseif(layer STREQUAL "component")
    set(pc_requires "weir-async simdjson")
  endif()
  configure_file(cmake/weir.pc.in ${CMAKE_BINARY_DIR}/generated/weir-${layer}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/generated/weir-${layer}.pc DESTINATION ${pc_dir} COMPONENT library)
endforeach()

if(TARGET weir)
  install(TARGETS weir RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(FILES docs/man/weir.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program OPTIONAL)
  foreach(completion bash:bash-completion/completions/weir zsh:zsh/site-functions/_weir fish:fish/vendor_completions.d/weir.fish)
    string(REPLACE ":" ";" parts ${completion})
    list(GET parts 0 shell)
    list(GET parts 1 place)
    # Made by the program itself, so that they can never lag behind its commands.
    install(CODE "
      set(file \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/${place}\")
      execute_process(COMMAND \"$<TARGET_FILE:weir>\" completion ${shell} OUTPUT_VARIABLE text RESULT_VARIABLE failed)
      if(failed)
        message(WARNING \"weir completion ${shell} ended with \${failed}: its completion is not installed\")
      else()
        file(WRITE \"\${file}\" \"\${text}\")
        message(STATUS \"Installing: \${file}\")
      endif()" COMPONENT program)
  endforeach()
endif()
