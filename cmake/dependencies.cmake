# Every dependency is a Debian 12 package and has its reason in docs/decisions/0002-dependencies.md.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(simdjson REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

# Asio is compiled once (weir_asio), never through its umbrella header: that costs 2 s of compiler time a file.
add_library(weir_asio STATIC cmake/asio.cc)
target_compile_definitions(weir_asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_ARRAY)
target_link_libraries(weir_asio PUBLIC Threads::Threads)
# Boost's headers are not ours to warn about.
target_include_directories(weir_asio SYSTEM PUBLIC ${Boost_INCLUDE_DIRS})
