find_package(Catch2 2.13 REQUIRED)
set(QUIPU_UNITY_SIZE 10)
if(QUIPU_SANITIZE)
  set(QUIPU_UNITY_SIZE 2)  # the time for instrumented code grows faster than its size
endif()

add_library(quipu_test_skips OBJECT ${PROJECT_SOURCE_DIR}/tests/support/skips.cpp)
target_link_libraries(quipu_test_skips PUBLIC Catch2::Catch2 PRIVATE quipu_dev_flags)
target_include_directories(quipu_test_skips PRIVATE ${PROJECT_SOURCE_DIR}/tests)
target_compile_definitions(quipu_test_skips PRIVATE QUIPU_SHARED_DEFAULT="${QUIPU_SHARED}")
target_compile_features(quipu_test_skips PRIVATE cxx_std_20)

# Catch2's own main function; that of another architecture is compiled here.
if(CMAKE_CROSSCOMPILING)
  file(WRITE ${PROJECT_BINARY_DIR}/catch_main.cpp "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n")
  add_library(quipu_catch_main STATIC ${PROJECT_BINARY_DIR}/catch_main.cpp)
  target_link_libraries(quipu_catch_main PUBLIC Catch2::Catch2)
else()
  add_library(quipu_catch_main INTERFACE)
  target_link_libraries(quipu_catch_main INTERFACE Catch2::Catch2WithMain)
endif()

# For quipu_add_tests, whose options it reads.
macro(quipu_test_program target)
  add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE quipu::compiled quipu_dev_flags quipu_catch_main quipu_test_skips ${ARG_LIBRARIES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${target} PRIVATE QUIPU_SHARED_DEFAULT="${QUIPU_SHARED}")
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${QUIPU_UNITY_TESTS} UNITY_BUILD_BATCH_SIZE ${QUIPU_UNITY_SIZE})
  # Compiling costs more than running for all but the tests of kernels and models.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O${ARG_OPTIMISE}>)
endmacro()

# quipu_add_tests(<layer> [OPTIMISE <0..2>] [LIBRARIES ...] [ALONE ...]): one executable of all tests/<layer>/*_test.cpp, one ctest entry a
# source file (selected by its first tag, [<layer>-<file>]), so that the summary stays readable and start-up cheap. Files named
# with ALONE replace what a whole program has once, and are executables of their own.
function(quipu_add_tests layer)
  cmake_parse_arguments(ARG "" "OPTIMISE" "LIBRARIES;ALONE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${layer}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  if(NOT DEFINED ARG_OPTIMISE)
    set(ARG_OPTIMISE 1)
  endif()
  set(timeout 600)
  if(QUIPU_SANITIZE)
    set(timeout 3600)  # they make real models many times slower
  endif()
  set(together ${sources})
  foreach(source IN LISTS ARG_ALONE)
    list(REMOVE_ITEM together ${CMAKE_CURRENT_SOURCE_DIR}/${layer}/${source})
  endforeach()
  quipu_test_program(test_${layer} ${together})
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "_test$" "" name ${name})
    set(target test_${layer})
    if(NOT source IN_LIST together)
      set(target test_${layer}_${name})
      quipu_test_program(${target} ${source})
      add_dependencies(test_${layer} ${target})  # who builds a layer's tests by name has them all
    endif()
    add_test(NAME ${layer}/${name} COMMAND ${target} "-#" "[#${name}_test]" -w NoTests --order lex)
    set_tests_properties(${layer}/${name} PROPERTIES LABELS ${layer} TIMEOUT ${timeout} SKIP_RETURN_CODE 77)
    # hnswlib holds the lock of a new element's links while it takes its neighbours', in the order that the graph has them. Its test
    # has one thread, so none can wait for another; tsan, which looks at orders alone, reports cycles, some without a stack to name.
    if(QUIPU_SANITIZE MATCHES "thread" AND "${layer}/${name}" STREQUAL "notes/vector_index")
      set_property(TEST ${layer}/${name} APPEND PROPERTY ENVIRONMENT "TSAN_OPTIONS=detect_deadlocks=0")
    endif()
  endforeach()
endfunction()
