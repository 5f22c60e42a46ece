# quipu::compiled: what no policy changes, compiled once for all source files of a program (core/compiled.hpp). One
# source file a layer, made of its *.ipp; where a target names it, its sources are compiled with QUIPU_COMPILED.
# Read by this project and by quipuConfig.cmake. QUIPU_HEADER_DIR is the folder that holds quipu/.
file(GLOB layers LIST_DIRECTORIES true ${QUIPU_HEADER_DIR}/quipu/*)
set(sources)
foreach(folder IN LISTS layers)
  file(GLOB_RECURSE parts RELATIVE ${QUIPU_HEADER_DIR} CONFIGURE_DEPENDS ${folder}/*.ipp)
  if(NOT parts)
    continue()
  endif()
  get_filename_component(layer ${folder} NAME)
  list(TRANSFORM parts REPLACE "(.+)" "#include <\\1>")
  list(JOIN parts "\n" content)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/quipu_compiled/${layer}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "${content}\n" @ONLY)
  list(APPEND sources ${source})
endforeach()

add_library(quipu_compiled STATIC EXCLUDE_FROM_ALL ${sources})
add_library(quipu::compiled ALIAS quipu_compiled)
target_link_libraries(quipu_compiled PUBLIC quipu::quipu)
target_compile_definitions(quipu_compiled PUBLIC QUIPU_COMPILED)
set_target_properties(quipu_compiled PROPERTIES POSITION_INDEPENDENT_CODE ON)
