#pragma once
/// For co_spawn: a defect must not be swallowed with its coroutine. What it throws leaves the reactor's run().
///
/// Thread: the reactor's. Cost: none.
#include <exception>

namespace weir::net {

inline void surface(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace weir::net
