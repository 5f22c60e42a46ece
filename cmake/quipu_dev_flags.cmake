# Warnings, optimisation-independent switches and sanitizers of our own tests, examples and benchmarks.
add_library(quipu_dev_flags INTERFACE)
target_compile_options(quipu_dev_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
                       -Wnon-virtual-dtor -Werror -fno-math-errno)
if(QUIPU_SANITIZE)
  target_compile_options(quipu_dev_flags INTERFACE -fsanitize=${QUIPU_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(quipu_dev_flags INTERFACE -fsanitize=${QUIPU_SANITIZE})
  # g++ warns falsely of uninitialised members of variants and strings in instrumented code.
  target_compile_options(quipu_dev_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
find_program(QUIPU_CCACHE ccache)
if(QUIPU_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${QUIPU_CCACHE})
endif()
# Files of a folder of tests or benchmarks share most of what they include and instantiate: together they compile in a third
# of the time.
option(QUIPU_UNITY_TESTS "Compile the test files of a layer a few at a time, together" ON)
