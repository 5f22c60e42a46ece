# The INTERFACE targets: quipu::core and one component per optional library. Usage requirements only:
# no -march, no optimisation, no warnings. Within another project the headers are system headers.

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(xtensor REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)

# Headers that need an optional library, by component; everything else under include/ is the core. utf8proc itself is
# the core's too; its component is the sentence encoders.
set(QUIPU_COMPONENT_HEADERS_utf8proc text/wordpiece.hpp notes/bert_encoder.hpp)
set(QUIPU_COMPONENT_HEADERS_sqlite notes/fts5_retriever.hpp notes/sqlite_connection.hpp notes/sqlite_file.hpp notes/sqlite_rows.hpp
    notes/sqlite_schema.hpp notes/sqlite_store.hpp)
set(QUIPU_COMPONENT_HEADERS_hnswlib notes/hnsw_index.hpp)
set(QUIPU_OPTIONAL_COMPONENTS utf8proc sqlite hnswlib)

file(GLOB_RECURSE QUIPU_CORE_HEADERS CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/include/quipu/*.hpp ${PROJECT_SOURCE_DIR}/include/quipu/*.ipp)
foreach(component IN LISTS QUIPU_OPTIONAL_COMPONENTS)
  set(present)
  foreach(header IN LISTS QUIPU_COMPONENT_HEADERS_${component})
    set(full ${PROJECT_SOURCE_DIR}/include/quipu/${header})
    if(EXISTS ${full})
      list(APPEND present ${full})
      list(REMOVE_ITEM QUIPU_CORE_HEADERS ${full})
    endif()
  endforeach()
  set(QUIPU_HEADERS_${component} ${present})
endforeach()

if(PROJECT_IS_TOP_LEVEL)
  set(QUIPU_IS_GUEST OFF)
else()
  set(QUIPU_IS_GUEST ON)
endif()

add_library(quipu_core INTERFACE)
add_library(quipu::core ALIAS quipu_core)
set_target_properties(quipu_core PROPERTIES EXPORT_NAME core SYSTEM ${QUIPU_IS_GUEST})
target_sources(quipu_core INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include
               FILES ${QUIPU_CORE_HEADERS})
target_compile_features(quipu_core INTERFACE cxx_std_20)
# Where editors find taught readers (eren/default_reader.hpp); installed, quipuConfig.cmake says where they went.
target_compile_definitions(quipu_core INTERFACE
                           "$<BUILD_INTERFACE:QUIPU_READERS=\"${PROJECT_SOURCE_DIR}/examples/09_train_reader\">")
target_link_libraries(quipu_core INTERFACE Eigen3::Eigen xtensor nlohmann_json::nlohmann_json
                      PkgConfig::PCRE2 PkgConfig::UTF8PROC Threads::Threads)

add_library(quipu_quipu INTERFACE)
add_library(quipu::quipu ALIAS quipu_quipu)
set_target_properties(quipu_quipu PROPERTIES EXPORT_NAME quipu SYSTEM ${QUIPU_IS_GUEST})
target_link_libraries(quipu_quipu INTERFACE quipu_core)

pkg_check_modules(SQLITE QUIET IMPORTED_TARGET sqlite3>=3.35)
find_path(HNSWLIB_INCLUDE_DIR hnswlib/hnswlib.h)

function(quipu_component name found requirement)
  if(NOT found)
    message(STATUS "quipu: component ${name} left out (its library was not found)")
    set(QUIPU_HAVE_${name} OFF PARENT_SCOPE)
    return()
  endif()
  add_library(quipu_${name} INTERFACE)
  add_library(quipu::${name} ALIAS quipu_${name})
  set_target_properties(quipu_${name} PROPERTIES EXPORT_NAME ${name} SYSTEM ${QUIPU_IS_GUEST})
  target_sources(quipu_${name} INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include
                 FILES ${QUIPU_HEADERS_${name}})
  target_link_libraries(quipu_${name} INTERFACE quipu_core ${requirement})
  target_link_libraries(quipu_quipu INTERFACE quipu_${name})
  set(QUIPU_HAVE_${name} ON PARENT_SCOPE)
endfunction()

quipu_component(utf8proc TRUE "")
quipu_component(sqlite "${SQLITE_FOUND}" PkgConfig::SQLITE)
if(HNSWLIB_INCLUDE_DIR)
  quipu_component(hnswlib TRUE "")
else()
  quipu_component(hnswlib FALSE "")
endif()
