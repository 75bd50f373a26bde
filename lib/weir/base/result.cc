#include <weir/base/result.h>

#include <cstdio>
#include <cstdlib>

namespace weir {

void die(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "weir: broken invariant at %s:%d: %s\n", file, line, expression);
  std::abort();
}

}  // namespace weir
