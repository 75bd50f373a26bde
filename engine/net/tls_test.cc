#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/base/context.h>

#include <fstream>

#include "net/test_certificate.h"

namespace weir::net {
namespace {

using State = TlsSession::State;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

WallTime now() { return system_clock().wall(); }

/// Two sides on a pair of sockets, each moved as far as it can go in turn.
struct Pair {
  Pair(const TlsContext& server, const TlsContext& client, const std::string& name) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    left = server.accept(fds[0]);
    right = client.connect(fds[1], name);
  }
  ~Pair() {
    left.reset();
    right.reset();
    for (const int fd : fds) ::close(fd);
  }
  void shake_hands() {
    for (int i = 0; i < 20 && (a != State::ok || b != State::ok) && b != State::failed && a != State::failed; ++i) {
      if (b != State::ok) b = right->handshake();
      if (a != State::ok) a = left->handshake();
    }
  }
  int fds[2];
  std::unique_ptr<TlsSession> left, right;
  State a = State::wait_read, b = State::wait_read;
};

TEST(Tls, ReadsItsFilesAgainForAllCopiesAndKeepsWhatItHasWhenTheyAreWrong) {
  const TestCertificate first, second;
  const auto server = TlsContext::server(first.certificate, first.key, now());
  const auto old_client = TlsContext::client(first.certificate), new_client = TlsContext::client(second.certificate);
  ASSERT_TRUE(server && old_client && new_client);
  const TlsContext copy = *server;
  const auto believed = [&](const TlsContext& client) {
    Pair pair(copy, client, "localhost");
    pair.shake_hands();
    return pair.b == State::ok;
  };
  EXPECT_TRUE(believed(*old_client));
  std::filesystem::copy_file(second.certificate, first.certificate, std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(server->reload(now())) << "a certificate with the key of another";
  EXPECT_TRUE(believed(*old_client));
  std::filesystem::copy_file(second.key, first.key, std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(server->reload(now()));
  EXPECT_FALSE(believed(*old_client));
  EXPECT_TRUE(believed(*new_client));
}

TEST(Tls, CarriesBytesBothWaysAndEndsProperly) {
  const TestCertificate files;
  const auto server = TlsContext::server(files.certificate, files.key, now());
  const auto client = TlsContext::client(files.certificate);
  ASSERT_TRUE(server && client);
  EXPECT_THAT(server->warning(), IsEmpty());
  for (const std::string name : {"localhost", "127.0.0.1"}) {
    Pair pair(*server, *client, name);
    pair.shake_hands();
    ASSERT_EQ(pair.a, State::ok) << pair.left->why();
    ASSERT_EQ(pair.b, State::ok) << pair.right->why();
    const std::string text(40'000, 'x');
    std::string heard;
    char buffer[4096];
    for (std::string_view left = text; heard.size() < text.size();) {
      left.remove_prefix(pair.right->write(left).bytes);
      const auto peeked = pair.left->peek(buffer, 10);
      EXPECT_LE(peeked.bytes, 10u);
      for (TlsSession::Moved m{.state = State::ok}; m.state == State::ok;) {
        m = pair.left->read(buffer, sizeof buffer);
        heard.append(buffer, m.bytes);
        ASSERT_NE(m.state, State::failed) << pair.left->why();
      }
    }
    EXPECT_EQ(heard, text);
    EXPECT_EQ(pair.left->write("answer").bytes, 6u);
    EXPECT_EQ(pair.right->read(buffer, sizeof buffer).bytes, 6u);
    pair.right->shut_down();
    EXPECT_EQ(pair.left->read(buffer, sizeof buffer).state, State::end);
  }
}

TEST(Tls, AConnectionThatIsCutIsNotAnEnd) {
  const TestCertificate files;
  const auto server = TlsContext::server(files.certificate, files.key, now());
  Pair pair(*server, *TlsContext::client(files.certificate), "localhost");
  pair.shake_hands();
  ASSERT_EQ(pair.a, State::ok);
  ::shutdown(pair.fds[1], SHUT_WR);
  char buffer[16];
  EXPECT_EQ(pair.left->read(buffer, sizeof buffer).state, State::failed);
  EXPECT_THAT(pair.left->why(), testing::Not(IsEmpty()));
}

TEST(Tls, TheOtherSideMustBeTrustedAndHaveTheRightName) {
  const TestCertificate files, others;
  const auto server = TlsContext::server(files.certificate, files.key, now());
  Pair stranger(*server, *TlsContext::client(others.certificate), "localhost");
  stranger.shake_hands();
  EXPECT_EQ(stranger.b, State::failed);
  EXPECT_THAT(stranger.right->why(), StartsWith("its certificate is not trusted: self-signed certificate"));
  Pair renamed(*server, *TlsContext::client(files.certificate), "example.org");
  renamed.shake_hands();
  EXPECT_EQ(renamed.b, State::failed);
  EXPECT_THAT(renamed.right->why(), HasSubstr("ostname mismatch"));
}

TEST(Tls, WhatIsNoTlsFailsWithoutQuotingIt) {
  const TestCertificate files;
  const auto server = TlsContext::server(files.certificate, files.key, now());
  Pair pair(*server, *TlsContext::client(""), "localhost");
  ASSERT_GT(::send(pair.fds[1], "GET / HTTP/1.1\r\n\r\n\x1b[31m", 23, 0), 0);
  EXPECT_EQ(pair.left->handshake(), State::failed);
  EXPECT_EQ(pair.left->why(), "http request");
}

TEST(Tls, SaysWhichFileIsWrongAndWhatToDo) {
  const TestCertificate files, others;
  const auto error = [](const std::string& certificate, const std::string& key) {
    const auto made = TlsContext::server(certificate, key, now());
    return made ? std::string("none") : made.error().message;
  };
  EXPECT_EQ(error(files.folder + "/no.pem", files.key),
            files.folder + "/no.pem: cannot be read: No such file or directory: give the path of a PEM file");
  EXPECT_EQ(error(files.certificate, others.key),
            others.key + ": is not the key of " + files.certificate + ": give both files of one pair");
  EXPECT_THAT(error(files.key, files.key), StartsWith(files.key + ": no certificate in it"));
  EXPECT_THAT(error(files.certificate, files.certificate), EndsWith("tls_key is a PEM file without a password"));
  std::ofstream(files.folder + "/empty.pem") << "nothing\n";
  EXPECT_THAT(TlsContext::client(files.folder + "/empty.pem").error().message, HasSubstr("empty.pem: no certificates"));
}

TEST(Tls, AnExpiredCertificateIsServedWithAWarning) {
  const TestCertificate files;
  const auto later = TlsContext::server(files.certificate, files.key, now() + std::chrono::hours(24 * 30));
  ASSERT_TRUE(later);
  EXPECT_THAT(later->warning(), StartsWith("its certificate expired on 20"));
  const auto earlier = TlsContext::server(files.certificate, files.key, now() - std::chrono::hours(24));
  EXPECT_THAT(earlier->warning(), StartsWith("its certificate is not valid before 20"));
}

TEST(Tls, APipeInThePlaceOfAFileIsNotWaitedFor) {
  const TestCertificate files;
  const auto server = TlsContext::server(files.certificate, files.key, now());
  ASSERT_TRUE(server);
  std::filesystem::remove(files.key);
  ASSERT_EQ(::mkfifo(files.key.c_str(), 0600), 0);
  const auto read = server->reload(now());
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("key.pem: is a pipe"));
}

TEST(Tls, AnExpiredCertificateIsNotTakenInThePlaceOfOneThatIsValid) {
  const TestCertificate lasting("/CN=localhost", "DNS:localhost", 30), brief;
  const auto in_ten_days = now() + std::chrono::hours(24 * 10);
  const auto server = TlsContext::server(lasting.certificate, lasting.key, in_ten_days);
  const auto client = TlsContext::client(lasting.certificate);
  ASSERT_TRUE(server && client);
  const auto put = [&](const TestCertificate& files) {
    for (const auto& [from, to] : {std::pair{files.certificate, lasting.certificate}, {files.key, lasting.key}})
      std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  };
  put(brief);
  const auto renewed = server->renew(in_ten_days);
  ASSERT_FALSE(renewed);
  EXPECT_THAT(renewed.error().message, HasSubstr("its certificate expired on 20"));
  EXPECT_THAT(renewed.error().message, HasSubstr(": it keeps the certificate it has"));
  EXPECT_EQ(server->warning(), "");
  Pair pair(*server, *client, "localhost");
  pair.shake_hands();
  EXPECT_EQ(pair.b, State::ok) << "the one it had is shown still";
  EXPECT_TRUE(server->renew(in_ten_days + std::chrono::hours(24 * 30))) << "both have expired: the newer one it is";
  const auto early = server->renew(now() - std::chrono::hours(24));
  ASSERT_TRUE(early);
  EXPECT_THAT(*early, HasSubstr("and its certificate is not valid before 20"));
}

/// What becomes of a client with `own` at a server that demands certificates.
struct Admission {
  Admission(const TestCertificate& server_files, const TlsClients& clients, TlsPair own) {
    const auto server = TlsContext::server(server_files.certificate, server_files.key, now(), clients);
    const auto client = TlsContext::client(server_files.certificate, std::move(own));
    EXPECT_TRUE(server && client);
    Pair pair(*server, *client, "localhost");
    pair.shake_hands();
    let_in = pair.a == State::ok;
    counted = pair.left->is_unknown_peer();
    why = pair.left->why();
  }
  bool let_in, counted;
  std::string why;
};

TEST(Tls, AClientWithoutACertificateOrWithOneOfAStrangerIsNotLetIn) {
  const TestCertificate files, known, stranger;
  const TlsClients clients{known.certificate, {}};
  EXPECT_TRUE(Admission(files, clients, {known.certificate, known.key}).let_in);
  const Admission without(files, clients, {});
  EXPECT_FALSE(without.let_in);
  EXPECT_TRUE(without.counted) << without.why;
  const Admission other(files, clients, {stranger.certificate, stranger.key});
  EXPECT_FALSE(other.let_in);
  EXPECT_TRUE(other.counted) << other.why;
  EXPECT_TRUE(Admission(files, {}, {stranger.certificate, stranger.key}).let_in) << "nobody asks for it";
}

TEST(Tls, OneOfItsNamesMustBeOnTheListAsAWhole) {
  const TestCertificate files;
  const TestCertificate shop("/CN=Shop", "DNS:shop.example,URI:spiffe://shop/billing,email:ops@shop.example");
  const TestCertificate wild("/CN=*.example", "DNS:*.example");
  const auto let_in = [&](const TestCertificate& client, std::vector<std::string> names) {
    return Admission(files, {client.certificate, std::move(names)}, {client.certificate, client.key}).let_in;
  };
  for (const char* name : {"Shop", "shop.example", "SHOP.example", "spiffe://shop/billing", "ops@shop.example"})
    EXPECT_TRUE(let_in(shop, {"nobody", name})) << name;
  for (const char* name :
       {"shop", "example", "hop.example", "*.example", "spiffe://shop", "SPIFFE://shop/billing", "/CN=Shop"})
    EXPECT_FALSE(let_in(shop, {name})) << name;
  EXPECT_FALSE(let_in(wild, {"shop.example"})) << "a pattern in a client's certificate is no name";
  const Admission refused(files, {shop.certificate, {"nobody"}}, {shop.certificate, shop.key});
  EXPECT_TRUE(refused.counted);
  EXPECT_THAT(refused.why, HasSubstr("not trusted"));
}

TEST(Tls, WhomItLetsInIsReadAgainToo) {
  const TestCertificate files, first, second;
  const std::string ca = files.folder + "/clients.pem";
  std::filesystem::copy_file(first.certificate, ca);
  const auto server = TlsContext::server(files.certificate, files.key, now(), {ca, {}});
  const auto let_in = [&](const TestCertificate& client) {
    Pair pair(*server, *TlsContext::client(files.certificate, {client.certificate, client.key}), "localhost");
    pair.shake_hands();
    return pair.a == State::ok;
  };
  EXPECT_TRUE(let_in(first));
  EXPECT_FALSE(let_in(second));
  std::filesystem::copy_file(second.certificate, ca, std::filesystem::copy_options::overwrite_existing);
  ASSERT_TRUE(server->reload(now()));
  EXPECT_FALSE(let_in(first));
  EXPECT_TRUE(let_in(second));
  std::ofstream(ca) << "-----BEGIN CERTIFICATE-----\nMIIB";
  const auto half = server->reload(now());
  ASSERT_FALSE(half);
  EXPECT_THAT(half.error().message, StartsWith(ca + ": no certificates in it"));
  EXPECT_THAT(half.error().message, HasSubstr("tls_client_ca"));
  EXPECT_TRUE(let_in(second));
}

TEST(Tls, ListsOfClientsWithoutWhatTheyNeedAreRefused) {
  const auto wrong = [](const TlsClients& clients, bool has_tls) {
    const auto checked = check_clients(clients, has_tls);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(wrong({}, false), "");
  EXPECT_EQ(wrong({"ca.pem", {"shop"}}, true), "");
  EXPECT_THAT(wrong({"ca.pem", {}}, false), StartsWith("tls_client_ca without TLS"));
  EXPECT_THAT(wrong({"", {"shop"}}, true), StartsWith("tls_client_names without tls_client_ca"));
  EXPECT_THAT(wrong({"ca.pem", {""}}, true), HasSubstr("empty"));
}

}  // namespace
}  // namespace weir::net
