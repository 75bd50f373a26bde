#include <weir/component/tls_options.h>

#include <algorithm>

namespace weir {

std::vector<OptionSpec> tls_options() {
  return {{.name = "tls_certificate",
           .kind = OptionKind::path,
           .help = "PEM file with the certificate and its chain: speak TLS 1.2 or later, and nothing else."},
          {.name = "tls_key",
           .kind = OptionKind::path,
           .help = "PEM file with the certificate's private key, without a password."},
          {.name = "tls_client_ca",
           .kind = OptionKind::path,
           .help = "PEM file: whoever asks must show a certificate that one of these has signed."},
          {.name = "tls_client_names",
           .kind = OptionKind::texts,
           .help = "Of those only the ones with such a name in their certificate: common name, DNS name, mail address "
                   "or URI."}};
}

Result<void> check_tls(const Options& options) {
  if (options.has("tls_certificate") != options.has("tls_key"))
    return failure(std::string(options.has("tls_key") ? "tls_key" : "tls_certificate") +
                   ": tls_certificate and tls_key belong together: give both, or none for no TLS");
  if (options.has("tls_client_ca") && !options.has("tls_certificate"))
    return failure("tls_client_ca: without TLS nobody shows a certificate: give tls_certificate and tls_key too");
  const auto names = options.get_or<std::vector<std::string>>("tls_client_names", {});
  if (options.has("tls_client_names") && !options.has("tls_client_ca"))
    return failure("tls_client_names: without tls_client_ca no certificate is believed: say whose are");
  if (options.has("tls_client_names") && (names.empty() || std::ranges::find(names, "") != names.end()))
    return failure("tls_client_names: one is empty");
  return {};
}

}  // namespace weir
