#pragma once
/// JSON Schema (2020-12) of the configuration, for editors and for programs that generate configurations.
///
/// Made from the catalog's options and from the table of the configuration's own keys (schema_keys.h). It accepts what
/// the loader accepts as far as a schema can know: keys, kinds, units, choices and the shape of names; references,
/// promises and memory are for `weir check`. `${VAR}` is allowed wherever the loader replaces it, `file:PATH` where it
/// reads one. A key that a running process takes over carries `x-reload`: when it
/// counts. Each component's definition carries an `x-weir` object with what it can do: the documentation is made
/// from it.
///
/// Thread: pure. Cost: about 1 ms.
#include <weir/component/catalog.h>

#include <string>

namespace weir::app {

std::string config_schema(const Catalog& catalog);

}  // namespace weir::app
