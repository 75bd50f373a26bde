#pragma once
// For tests: a self-signed certificate, made by the openssl command; for localhost and 127.0.0.1 if nothing else is
// said.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace weir::net {

class TestCertificate {
 public:
  explicit TestCertificate(const std::string& subject = "/CN=localhost",
                           const std::string& names = "DNS:localhost,IP:127.0.0.1", int days = 2) {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-tls-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    certificate = folder + "/cert.pem";
    key = folder + "/key.pem";
    const std::string make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '" +
                             subject + "' -addext 'subjectAltName=" + names + "' -days " + std::to_string(days) +
                             " -keyout " + key + " -out " + certificate + " 2>" + folder + "/said";
    EXPECT_EQ(std::system(make.c_str()), 0) << "is the openssl command installed?";
  }
  TestCertificate(const TestCertificate&) = delete;
  ~TestCertificate() { std::filesystem::remove_all(folder); }

  std::string folder, certificate, key;
};

}  // namespace weir::net
