#include "net/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <mutex>

#include "net/client_names.h"

namespace weir::net {
namespace {

std::string last_reason(std::string_view otherwise) {
  const auto code = ERR_peek_last_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : std::string(otherwise);
}

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a client that leaves would end the process.
int fd_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

int bio_write(BIO* bio, const char* data, int size) {
  const long n = ::send(fd_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  BIO_clear_retry_flags(bio);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int bio_read(BIO* bio, char* into, int size) {
  const long n = ::recv(fd_of(bio), into, static_cast<std::size_t>(size), MSG_DONTWAIT);
  BIO_clear_retry_flags(bio);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

BIO* socket_bio(int fd) {
  BIO* bio = BIO_new(socket_method());
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

ssl_st* session_on(ssl_ctx_st* context, int fd) {
  ssl_st* ssl = SSL_new(context);
  WEIR_CHECK(ssl != nullptr);
  BIO* bio = socket_bio(fd);
  SSL_set_bio(ssl, bio, bio);
  return ssl;
}

std::string date_of(const ASN1_TIME* time) {
  tm parts{};
  if (!ASN1_TIME_to_tm(time, &parts)) return "an unreadable date";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

bool is_expired(const X509* certificate, WallTime now) {
  auto at = static_cast<time_t>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  return certificate && X509_cmp_time(X509_get0_notAfter(certificate), &at) < 0;
}

std::string validity_warning(const X509* certificate, WallTime now) {
  auto at = static_cast<time_t>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  if (is_expired(certificate, now)) return "its certificate expired on " + date_of(X509_get0_notAfter(certificate));
  if (X509_cmp_time(X509_get0_notBefore(certificate), &at) > 0)
    return "its certificate is not valid before " + date_of(X509_get0_notBefore(certificate));
  return {};
}

/// Whoever opens a pipe waits for somebody to write to it.
bool is_pipe(const std::string& path) {
  std::error_code unknown;
  return std::filesystem::is_fifo(path, unknown);
}

bool is_readable(const std::string& path) {
  BIO* file = BIO_new_file(path.c_str(), "r");
  BIO_free(file);
  return file != nullptr;
}

Result<void> load_pair(ssl_ctx_st* context, const std::string& certificate, const std::string& key) {
  for (const std::string& path : {certificate, key}) {
    errno = 0;
    if (!is_readable(path))
      return failure(fmt::format("{}: cannot be read: {}: give the path of a PEM file", path,
                                 errno ? std::generic_category().message(errno) : "no such file"));
  }
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return failure(
        fmt::format("{}: no certificate in it ({}): tls_certificate is a PEM file that begins with "
                    "-----BEGIN CERTIFICATE-----",
                    certificate, last_reason("it could not be read")));
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1) return {};
  if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
    return failure(fmt::format("{}: is not the key of {}: give both files of one pair", key, certificate));
  return failure(fmt::format("{}: no private key in it ({}): tls_key is a PEM file without a password", key,
                             last_reason("it could not be read")));
}

Result<void> load_trusted(ssl_ctx_st* context, const std::string& file, std::string_view option) {
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, file.c_str()) == 1) return {};
  return failure(fmt::format("{}: no certificates in it ({}): {} is a PEM file of those to trust", file,
                             last_reason("it could not be read"), option));
}

constexpr std::string_view http_1_1 = "\x08http/1.1";

/// A client that offers other protocols only is served as one that offers none.
int choose_protocol(ssl_st*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned length, void*) {
  const auto* ours = reinterpret_cast<const unsigned char*>(http_1_1.data());
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, ours, http_1_1.size(), offered, length);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

void TlsSession::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }
TlsSession::TlsSession(ssl_st* ssl) : ssl_(ssl) {}

TlsSession::State TlsSession::state_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return State::wait_read;
    case SSL_ERROR_WANT_WRITE: return State::wait_write;
    case SSL_ERROR_ZERO_RETURN: return State::end;
    case SSL_ERROR_SYSCALL:
      why_ = errno ? std::generic_category().message(errno) : "the connection ended in the middle";
      return State::failed;
    default: break;
  }
  const long verified = SSL_get_verify_result(ssl_.get());
  unknown_peer_ =
      verified != X509_V_OK || ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
  why_ = verified == X509_V_OK
             ? last_reason("not TLS")
             : fmt::format("its certificate is not trusted: {}", X509_verify_cert_error_string(verified));
  return State::failed;
}

TlsSession::State TlsSession::handshake() {
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? State::ok : state_of(result);
}

TlsSession::Moved TlsSession::read(char* into, std::size_t most) {
  Moved moved;
  while (moved.bytes < most) {
    ERR_clear_error();
    errno = 0;
    const auto room = static_cast<int>(std::min<std::size_t>(most - moved.bytes, INT_MAX));
    const int n = SSL_read(ssl_.get(), into + moved.bytes, room);
    if (n <= 0) {
      moved.state = state_of(n);
      break;
    }
    moved.bytes += static_cast<std::size_t>(n);
  }
  return moved;
}

TlsSession::Moved TlsSession::peek(char* into, std::size_t most) {
  ERR_clear_error();
  errno = 0;
  const int n = SSL_peek(ssl_.get(), into, static_cast<int>(std::min<std::size_t>(most, INT_MAX)));
  if (n <= 0) return {0, state_of(n)};
  return {static_cast<std::size_t>(n), State::ok};
}

TlsSession::Moved TlsSession::write(std::string_view bytes) {
  Moved moved;
  while (moved.bytes < bytes.size()) {
    ERR_clear_error();
    errno = 0;
    const auto left = static_cast<int>(std::min<std::size_t>(bytes.size() - moved.bytes, INT_MAX));
    const int n = SSL_write(ssl_.get(), bytes.data() + moved.bytes, left);
    if (n <= 0) {
      moved.state = state_of(n);
      break;
    }
    moved.bytes += static_cast<std::size_t>(n);
  }
  return moved;
}

bool TlsSession::pending() const { return SSL_pending(ssl_.get()) > 0; }

std::string TlsSession::peer_subject() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl_.get()), X509_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  if (!certificate || !out ||
      X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate.get()), 0,
                         XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
    return {};
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

void TlsSession::shut_down() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) && why_.empty()) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

namespace {

std::shared_ptr<ssl_ctx_st> new_context(const SSL_METHOD* method) {
  std::shared_ptr<ssl_ctx_st> made(SSL_CTX_new(method), SSL_CTX_free);
  ssl_ctx_st* const context = made.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return made;
}

}  // namespace

Result<void> check_clients(const TlsClients& clients, bool has_tls) {
  if (!clients.ca.empty() && !has_tls)
    return failure("tls_client_ca without TLS: give tls_certificate and tls_key too");
  if (!clients.names.empty() && clients.ca.empty())
    return failure("tls_client_names without tls_client_ca: say whose certificates are believed");
  if (std::ranges::find(clients.names, "") != clients.names.end()) return failure("tls_client_names: one is empty");
  return {};
}

struct TlsContext::Shared {
  Files files;
  std::mutex mutex;
  Loaded loaded;
};

Result<TlsContext::Loaded> TlsContext::load(const Files& files, WallTime now) {
  Loaded made{new_context(files.serves ? TLS_server_method() : TLS_client_method()), {}};
  ssl_ctx_st* const context = made.context.get();
  if (files.serves || !files.own.certificate.empty())
    if (auto loaded = load_pair(context, files.own.certificate, files.own.key); !loaded)
      return std::unexpected(loaded.error());
  if (files.serves) SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (files.serves) made.warning = validity_warning(SSL_CTX_get0_certificate(context), now);
  if (files.serves && files.ca.empty()) return made;
  if (files.ca.empty())
    SSL_CTX_set_default_verify_paths(context);
  else if (auto trusted = load_trusted(context, files.ca, files.serves ? "tls_client_ca" : "tls_ca"); !trusted)
    return std::unexpected(trusted.error());
  if (files.serves)
    demand_certificates(context, files.ca, files.client_names);
  else
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return made;
}

Result<TlsContext> TlsContext::make(Files files, WallTime now) {
  auto loaded = load(files, now);
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  TlsContext made;
  made.shared_ = std::make_shared<Shared>();
  made.shared_->files = std::move(files);
  made.shared_->loaded = std::move(*loaded);
  return made;
}

Result<TlsContext> TlsContext::server(const std::string& certificate, const std::string& key, WallTime now,
                                      TlsClients clients) {
  return make({{certificate, key}, std::move(clients.ca), std::move(clients.names), true}, now);
}

Result<TlsContext> TlsContext::client(const std::string& ca, TlsPair own) {
  return make({std::move(own), ca, {}, false}, {});
}

Result<void> TlsContext::reload(WallTime now) const {
  for (const auto* path : {&shared_->files.own.certificate, &shared_->files.own.key, &shared_->files.ca})
    if (is_pipe(*path)) return failure(*path + ": is a pipe: it is read at the start only, put a file there");
  auto loaded = load(shared_->files, now);
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  const auto expired = [&](const Loaded& of) {
    return shared_->files.serves && is_expired(SSL_CTX_get0_certificate(of.context.get()), now);
  };
  std::lock_guard lock(shared_->mutex);
  if (expired(*loaded) && !expired(shared_->loaded))
    return failure(fmt::format("{}: {}: put one there that is valid", shared_->files.own.certificate, loaded->warning));
  shared_->loaded = std::move(*loaded);
  return {};
}

Result<std::string> TlsContext::renew(WallTime now) const {
  if (auto read = reload(now); !read)
    return failure(read.error().message + ": it keeps the certificate it has", read.error().kind);
  const std::string wrong = warning();
  return "has read its certificate again" + (wrong.empty() ? wrong : ", and " + wrong + ": clients will refuse it");
}

std::string TlsContext::warning() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->loaded.warning;
}

std::shared_ptr<ssl_ctx_st> TlsContext::context() const {
  std::lock_guard lock(shared_->mutex);
  return shared_->loaded.context;
}

std::unique_ptr<TlsSession> TlsContext::accept(int fd) const {
  ssl_st* ssl = session_on(context().get(), fd);
  SSL_set_accept_state(ssl);
  return std::unique_ptr<TlsSession>(new TlsSession(ssl));
}

std::unique_ptr<TlsSession> TlsContext::connect(int fd, const std::string& server_name, bool offers_http) const {
  ssl_st* ssl = session_on(context().get(), fd);
  SSL_set_connect_state(ssl);
  if (offers_http)
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(http_1_1.data()),
                        static_cast<unsigned>(http_1_1.size()));
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str()) != 1) {
    WEIR_CHECK(SSL_set1_host(ssl, server_name.c_str()) == 1);
    SSL_set_tlsext_host_name(ssl, server_name.c_str());
  }
  return std::unique_ptr<TlsSession>(new TlsSession(ssl));
}

}  // namespace weir::net
