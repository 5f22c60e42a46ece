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

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/quipuConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/quipuConfig.cmake INSTALL_DESTINATION ${QUIPU_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/quipuConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/quipuConfig.cmake ${PROJECT_BINARY_DIR}/quipuConfigVersion.cmake
        DESTINATION ${QUIPU_PACKAGE_DIR})

# Relative to the file itself, so that an installed folder can move.
file(RELATIVE_PATH QUIPU_PREFIX_FROM_PKGCONFIG /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
# The core alone; programs that use an optional header add that library's own package.
configure_file(${PROJECT_SOURCE_DIR}/cmake/quipu.pc.in ${PROJECT_BINARY_DIR}/quipu.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/quipu.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
