#pragma once
/// A server that asks its clients for certificates (mTLS), and lets in those of some names only.
///
/// A certificate has to be signed by one of `ca`, be valid now and allow its use by a client. With `names` one of them
/// has to be its common name, or a DNS name, an address of mail or a URI (as SPIFFE writes them) among its alternative
/// names: compared as a whole, DNS names without regard to case, and never as a pattern. Who is not let in learns it
/// in the handshake.
///
/// Thread: before the context serves. Cost: with each handshake, O(names of the certificate x `names`).
/// Ref: RFC 5280 section 4.2.1.6.
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace weir::net {

/// `ca` is the file that `context` trusts already; clients are told whose certificates it takes.
void demand_certificates(ssl_ctx_st* context, const std::string& ca, const std::vector<std::string>& names);

}  // namespace weir::net
