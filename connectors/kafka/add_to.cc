#include "journal.h"

namespace weir::kafka {

void add_to(Catalog& catalog);

void add_to(Catalog& catalog) {
  catalog.add(source_type());
  catalog.add(sink_type());
  catalog.add(journal_type());
}

}  // namespace weir::kafka
