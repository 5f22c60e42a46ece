# Install rules: headers, one export a component, the package file for find_package and one for pkg-config.
set(QUIPU_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/quipu)

function(quipu_install_component name)
  install(TARGETS quipu_${name} EXPORT quipu_${name} FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT quipu_${name} NAMESPACE quipu:: FILE quipu_${name}.cmake DESTINATION ${QUIPU_PACKAGE_DIR})
endfunction()

quipu_install_component(core)
foreach(component IN LISTS QUIPU_OPTIONAL_COMPONENTS)
  if(QUIPU_HAVE_${component})
    quipu_install_component(${component})
  endif()
endforeach()

# Taught readers, one folder each.
set(QUIPU_READER_DIR ${CMAKE_INSTALL_DATADIR}/quipu/readers)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/09_train_reader/smollm2 DESTINATION ${QUIPU_READER_DIR})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/quipuConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/quipuConfig.cmake INSTALL_DESTINATION ${QUIPU_PACKAGE_DIR}
                              PATH_VARS CMAKE_INSTALL_INCLUDEDIR QUIPU_READER_DIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/quipuConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/quipuConfig.cmake ${PROJECT_BINARY_DIR}/quipuConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/quipu_compiled.cmake
        DESTINATION ${QUIPU_PACKAGE_DIR})

# Packages for pkg-config: one a component, and quipu, which asks for all of them. Paths are relative to the file itself,
# so that an installed folder can move.
file(RELATIVE_PATH QUIPU_PREFIX_FROM_PKGCONFIG /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
function(quipu_install_pkgconfig package description requires)
  set(QUIPU_PC_NAME ${package})
  set(QUIPU_PC_DESCRIPTION "${description}")
  set(QUIPU_PC_REQUIRES "${requires}")
  set(QUIPU_PC_FLAGS "")
  if(package STREQUAL "quipu-core")
    set(QUIPU_PC_FLAGS "Cflags: -I\${includedir} -DQUIPU_READERS='\"\${readers}\"' -pthread\nLibs: -pthread\n")
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/quipu.pc.in ${PROJECT_BINARY_DIR}/${package}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

set(library_utf8proc "")  # the core's
set(library_sqlite "sqlite3 >= 3.35")
set(library_hnswlib "")  # headers in the compiler's own path
quipu_install_pkgconfig(quipu-core "${PROJECT_DESCRIPTION}" "eigen3 xtensor nlohmann_json libpcre2-8 libutf8proc")
set(everything "quipu-core = ${PROJECT_VERSION}")
foreach(component IN LISTS QUIPU_OPTIONAL_COMPONENTS)
  if(QUIPU_HAVE_${component})
    quipu_install_pkgconfig(quipu-${component} "quipu with what needs ${component}"
                            "quipu-core = ${PROJECT_VERSION} ${library_${component}}")
    string(APPEND everything " quipu-${component} = ${PROJECT_VERSION}")
  endif()
endforeach()
quipu_install_pkgconfig(quipu "quipu with all components that were installed" "${everything}")
