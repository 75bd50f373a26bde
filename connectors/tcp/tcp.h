#pragma once
/// The connector's options, evaluated, for its parts and its tests.
///
/// Thread: pure functions. Cost: at start only.
#include <weir/component/catalog.h>

#include "intake.h"

namespace weir::tcp {

void add_to(Catalog& catalog);
/// Everything but the certificate, which is read when the source opens.
TcpOptions read_options(const Options& options);

}  // namespace weir::tcp
