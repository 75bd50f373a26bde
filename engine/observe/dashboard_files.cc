#include "observe/dashboard_files.h"

#include <algorithm>
#include <array>

namespace weir::observe {
namespace embedded {
// Of a source that is made when Weir is built.
extern const std::string_view index_html, dashboard_css, dashboard_js, graph_js, dygraph_js, dygraph_css, icon_svg;
}  // namespace embedded
namespace {

constexpr std::string_view page_fields =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cache-Control: no-cache\r\n";

struct EmbeddedFile {
  std::string_view path, type;
  const std::string_view& text;
};
constexpr std::string_view html_type = "text/html; charset=utf-8", script_type = "text/javascript; charset=utf-8",
                           style_type = "text/css; charset=utf-8";
const std::array embedded_files{EmbeddedFile{"/", html_type, embedded::index_html},
                                EmbeddedFile{"/dashboard", html_type, embedded::index_html},
                                EmbeddedFile{"/dashboard.css", style_type, embedded::dashboard_css},
                                EmbeddedFile{"/dashboard.js", script_type, embedded::dashboard_js},
                                EmbeddedFile{"/graph.js", script_type, embedded::graph_js},
                                EmbeddedFile{"/dygraph.js", script_type, embedded::dygraph_js},
                                EmbeddedFile{"/dygraph.css", style_type, embedded::dygraph_css},
                                EmbeddedFile{"/icon.svg", "image/svg+xml", embedded::icon_svg}};

}  // namespace

net::Response dashboard_file(std::string_view path) {
  const auto* file = std::ranges::find(embedded_files, path, &EmbeddedFile::path);
  if (file == embedded_files.end()) return {};
  return {.content_type = file->type, .body = std::string(file->text), .extra_headers = page_fields};
}

}  // namespace weir::observe
