#include "pause_policy.h"

namespace weir::kafka {

PausePolicy::Step PausePolicy::next(Load waiting, TimePoint now) {
  if (paused_) {
    if (!waiting.fits_in(watermarks_.low)) return Step::poll;
    paused_ = false;
    full_since_ = never;
    return Step::resume;
  }
  if (waiting.events < watermarks_.high.events && waiting.bytes < watermarks_.high.bytes) {
    full_since_ = never;
    return Step::poll;
  }
  if (full_since_ == never) full_since_ = now;
  if (now - full_since_ < watermarks_.patience) return Step::wait;
  paused_ = true;
  return Step::pause;
}

}  // namespace weir::kafka
