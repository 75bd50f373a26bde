#include "renewal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <weir/base/until_for_test.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <latch>

namespace weir::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

/// Sources a and b with a certificate and a key each, and one secret.
struct Renewals : testing::Test {
  Renewals() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-renewal-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    SourceType type;
    type.name = "listener";
    type.options = {{.name = "tls_certificate", .kind = OptionKind::path},
                    {.name = "tls_key", .kind = OptionKind::path},
                    {.name = "password_file", .kind = OptionKind::path},
                    {.name = "path", .kind = OptionKind::path}};
    catalog.add(std::move(type));
    for (const std::string name : {"a", "b"}) {
      config::Source source;
      source.name = name;
      source.type = "listener";
      source.options.set("tls_certificate", put(name + ".pem", "first"));
      source.options.set("tls_key", put(name + ".key", "first"));
      source.options.set("path", put(name + ".log", "first"));
      config.sources.push_back(std::move(source));
    }
    const auto secret = put("secret", "first");
    config.secret_files.push_back({secret, config::FileStamp::of(secret)});
  }
  ~Renewals() override { std::filesystem::remove_all(folder); }

  std::string put(const std::string& name, const std::string& text) const {
    std::ofstream(folder + "/new") << text;
    std::filesystem::rename(folder + "/new", folder + "/" + name);
    return folder + "/" + name;
  }
  /// What a look finds; it has to find something.
  static Renewal::Changed found_by(Renewal& renewal) {
    renewal.look();
    Renewal::Changed changed;
    EXPECT_TRUE(until([&] {
      changed = renewal.take();
      return !changed.parts.empty() || changed.secrets;
    })) << "nothing was found";
    return changed;
  }

  std::string folder;
  Catalog catalog;
  config::Config config;
};

TEST_F(Renewals, NameThePartWhoseFilesWereReplacedOnceAndNoOther) {
  Renewal renewal(config, catalog);
  put("a.pem", "second");
  put("a.key", "second");
  EXPECT_THAT(found_by(renewal).parts, ElementsAre("a"));
  put("b.key", "second");
  const auto changed = found_by(renewal);
  EXPECT_THAT(changed.parts, ElementsAre("b"));
  EXPECT_FALSE(changed.secrets);
}

TEST_F(Renewals, WatchPasswordFilesAndTheCertificateOfTheAdminListener) {
  config.sources[1].options.set("password_file", put("b.password", "first"));
  config.admin.tls_certificate = put("admin.pem", "first");
  config.admin.tls_key = put("admin.key", "first");
  Renewal renewal(config, catalog);
  put("b.password", "second");
  EXPECT_THAT(found_by(renewal).parts, ElementsAre("b"));
  put("admin.key", "second");
  EXPECT_THAT(found_by(renewal).parts, ElementsAre(std::string(Renewal::admin_part)));
}

TEST_F(Renewals, WatchNoFileThatIsNoCertificate) {
  Renewal renewal(config, catalog);
  put("a.log", "second");
  put("b.pem", "second");
  EXPECT_THAT(found_by(renewal).parts, ElementsAre("b"));
}

TEST_F(Renewals, TellWhatChangedBetweenBeingReadAndTheFirstLook) {
  put("secret", "second");
  Renewal renewal(config, catalog);
  const auto changed = found_by(renewal);
  EXPECT_TRUE(changed.secrets);
  EXPECT_THAT(changed.parts, IsEmpty());
}

TEST_F(Renewals, DoNotTellWhatWasReadForAnotherReason) {
  Renewal renewal(config, catalog);
  put("a.pem", "second");
  renewal.note();
  put("b.pem", "second");
  EXPECT_THAT(found_by(renewal).parts, ElementsAre("b"));
}

TEST_F(Renewals, TellOfAFileThatHangsOnlyWhenItCanBeRead) {
  const std::string hung = folder + "/a.pem";
  std::latch disk_answers(1);
  Renewal renewal(config, catalog, {}, [&](const std::string& path) {
    if (path == hung) disk_answers.wait();
  });
  put("a.pem", "second");
  renewal.look();
  EXPECT_TRUE(until([&] { return renewal.reading() == hung; }));
  renewal.read_all(Duration{0});
  EXPECT_THAT(renewal.take().parts, IsEmpty());
  disk_answers.count_down();
  Renewal::Changed changed;
  EXPECT_TRUE(until([&] {
    auto found = renewal.take();
    changed.parts.insert(changed.parts.end(), found.parts.begin(), found.parts.end());
    changed.all_read = changed.all_read || found.all_read;
    return changed.all_read;
  })) << "what was asked for meanwhile is done when that ends";
  EXPECT_THAT(changed.parts, Contains("a"));
  EXPECT_EQ(renewal.reading(), "");
}

TEST_F(Renewals, AFileThatIsGoneAndComesBackIsTwoChanges) {
  Renewal renewal(config, catalog);
  std::filesystem::remove(folder + "/a.pem");
  EXPECT_THAT(found_by(renewal).parts, ElementsAre("a"));
  put("a.pem", "first");
  EXPECT_THAT(found_by(renewal).parts, ElementsAre("a"));
}

}  // namespace
}  // namespace weir::app
