# Precompiled headers, one for each group of strata: reading the standard library, Asio and simdjson again takes longer
# than most files. WEIR_PCH=OFF (option or environment variable) builds without.
#   std:       base and flow: the standard library
#   component: what stands above: Asio, fmt, simdjson and the component interfaces too
#   std_test, component_test: the same with GoogleTest, for tests
if(DEFINED ENV{WEIR_PCH})
  set(default_pch $ENV{WEIR_PCH})
else()
  set(default_pch ON)
endif()
option(WEIR_PCH "use precompiled headers" ${default_pch})

# Without `-include <header>`, which CMake adds and which names this checkout in a way that ccache does not see through.
set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)

# weir_precompiled(NAME [OPTIONS ...] [LINKS ...]): the headers of cmake/pch/NAME.h.
function(weir_precompiled name)
  cmake_parse_arguments(arg "" "" "LINKS;OPTIONS" ${ARGN})
  if(NOT WEIR_PCH)
    return()
  endif()
  set(target weir_pch_${name})
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/pch_${name}.cc CONTENT "// Nothing: carries the precompiled header.\n")
  add_library(${target} OBJECT ${CMAKE_BINARY_DIR}/generated/pch_${name}.cc)
  target_link_libraries(${target} PRIVATE ${arg_LINKS})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/lib)
  target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch/${name}.h)
  # No times and, in __FILE__, no path of this checkout, for the sake of ccache.
  target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp" -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/= ${arg_OPTIONS})
  set_property(TARGET ${target} PROPERTY CXX_COMPILER_LAUNCHER ${CMAKE_SOURCE_DIR}/cmake/precompile)
endfunction()

# weir_use_precompiled(TARGET NAME): TARGET is compiled with what weir_precompiled(NAME) made.
function(weir_use_precompiled target name)
  if(WEIR_PCH)
    target_precompile_headers(${target} REUSE_FROM weir_pch_${name})
  endif()
endfunction()

weir_precompiled(std)
weir_precompiled(component LINKS weir_asio simdjson::simdjson fmt::fmt)
if(WEIR_TESTS)
  weir_precompiled(std_test OPTIONS -O0 LINKS GTest::gtest GTest::gmock)
  weir_precompiled(component_test OPTIONS -O0 LINKS weir_asio simdjson::simdjson fmt::fmt GTest::gtest GTest::gmock)
endif()
