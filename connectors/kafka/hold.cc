#include "hold.h"

namespace weir::kafka {

Hold::Step Hold::next(Load waiting, TimePoint now) {
  if (paused_) {
    if (!waiting.fits_in(marks_.low)) return Step::poll;
    paused_ = false;
    full_since_ = never;
    return Step::resume;
  }
  if (waiting.events < marks_.high.events && waiting.bytes < marks_.high.bytes) {
    full_since_ = never;
    return Step::poll;
  }
  if (full_since_ == never) full_since_ = now;
  if (now - full_since_ < marks_.patience) return Step::wait;
  paused_ = true;
  return Step::pause;
}

}  // namespace weir::kafka
