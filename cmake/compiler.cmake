# The compiler and the flags that every target shares.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  message(FATAL_ERROR
    "Weir does not build with GCC: GCC 12 miscompiles coroutines (double frees of temporaries that live across a "
    "co_await; see docs/decisions/0001-clang.md). Configure with a preset (cmake --preset release) or "
    "-DCMAKE_CXX_COMPILER=clang++-19.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

option(WEIR_TESTS "configure the tests (needs GoogleTest and Python)" ON)
option(WEIR_BENCH "configure the measuring tools (needs Google Benchmark)" OFF)
option(WEIR_SEAMS "compile the named crash points that the kill -9 tests use" OFF)
set(WEIR_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")
option(WEIR_UNITY "compile the sources of a library a few at a time: half the compiler time, but all of them again when one changes" OFF)
option(WEIR_FUZZ "configure the libFuzzer targets" OFF)

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-designated-field-initializers -Werror)
add_link_options(-fuse-ld=lld)
if(WEIR_SANITIZE)
  add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_SEAMS)
  add_compile_definitions(WEIR_SEAMS=1)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Relative paths, so that another checkout of the same sources finds what this one compiled; what a precompiled header
  # holds is told by the .sum beside it (cmake/precompile).
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_PCH_EXTSUM=1 ${CCACHE})
endif()
