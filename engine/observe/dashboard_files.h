#pragma once
/// The dashboard as files: the page, its style, its script and the plotting library, embedded when Weir was built
/// (cmake/embed.cmake). They hold nothing about the flow, so they are for everybody; what the script asks for is not.
///
/// The page takes nothing from elsewhere and runs nothing but these files, whatever an event or a name says: the
/// Content-Security-Policy tells the browser so, and no file needs an exception of it.
///
/// Thread: constants. Cost: a comparison for each file; an answer is a copy.
#include <string_view>

#include "net/http.h"

namespace weir::observe {

/// Empty body: there is no such file.
net::Response dashboard_file(std::string_view path);

}  // namespace weir::observe
