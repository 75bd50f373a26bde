#pragma once
/// Who is it that asks? Limits per client need a key, and only the place where a request arrives knows what can be one.
///
///   none     all are one client
///   peer     the address it came from: of IPv4 the first `ipv4_bits`, of IPv6 the first `ipv6_bits` (one subscriber has
///            a whole /64, so that shorter parts of it tell nobody apart)
///   path     the path of the request, without its query
///   header   the first field of this name
///   subject  the name in the certificate that it has shown (TLS)
///   field    a field of what it brings, which is known only when that has been read
///
/// Several of these may be joined: clients are then the same only where each of them is. Each part is hashed by itself,
/// so no text of one can pass for that of two.
///
/// What is missing is a key like any other: all who send no such header share one quota, and so do all whose address is
/// not known. A key is hashed with a secret of the process; the text itself is kept nowhere.
///
/// Thread: values. Cost: what finding the text costs, and about 25 ns.
#include <weir/base/context.h>
#include <weir/base/sip_hash.h>

#include <string>
#include <vector>

namespace weir::async {

/// What a guard may ask about whoever wants to start; valid during the call. Missing: "".
class Caller {
 public:
  virtual ~Caller() = default;
  virtual std::string_view header(std::string_view name) const { return (void)name, std::string_view{}; }
  virtual std::string_view path() const { return {}; }
  /// Its address without a port.
  virtual std::string peer() const { return {}; }
  /// The subject of its certificate, as RFC 2253 writes it: "CN=orders,O=Acme".
  virtual std::string tls_subject() const { return {}; }
  /// What this path (component/expression/path.h) leads to in what it brings; valid until the next call.
  virtual std::string_view field(std::string_view path) const { return (void)path, std::string_view{}; }
};

struct ClientKey {
  enum class Of : std::uint8_t { none, peer, path, header, tls_subject, field } of = Of::none;
  std::string header{};  ///< its name, with Of::header
  std::string field{};   ///< its path, with Of::field
  int ipv4_bits = 32, ipv6_bits = 64;
  std::vector<ClientKey> with{};  ///< joined with these
  /// Some part is a field: it can be asked for only when what comes has been read.
  bool reads_events() const;
  bool operator==(const ClientKey&) const = default;
};

/// The same number for the same client, as long as the process runs. Null: nobody is known, every text is missing.
std::uint64_t hash_of(const ClientKey& key, const Caller* caller, const KeyHash& secret);

/// A secret for one table of keys, as long as the process runs.
KeyHash secret_of(const Context& context);

}  // namespace weir::async
