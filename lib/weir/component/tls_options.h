#pragma once
/// The options by which a listener speaks TLS and asks for certificates, declared and checked in one place for those
/// that read them from the configuration's own sections:
///
///   tls_certificate, tls_key    its own, as PEM files; both or none
///   tls_client_ca               whoever comes shows a certificate that one of these has signed
///   tls_client_names            with one of these names
///
/// Thread: pure. Cost: start and reload only.
#include <weir/base/result.h>
#include <weir/component/options.h>

#include <vector>

namespace weir {

std::vector<OptionSpec> tls_options();
/// Whether they fit together, whatever the files hold; the error begins with the option's name.
Result<void> check_tls(const Options& options);

}  // namespace weir
