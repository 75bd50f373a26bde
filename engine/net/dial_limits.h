#pragma once
/// What both ways to dial go by: dialer.h for a thread that may wait, async_dial.h and client_pool.h for a reactor.
///
/// Thread: constants. Cost: none. Ref: RFC 8305 section 8.
#include <weir/base/units.h>

#include <cstddef>

namespace weir::net {

inline constexpr Duration head_start = std::chrono::milliseconds(250);  ///< of an address, before the next one is tried
inline constexpr Duration look_up_again = std::chrono::seconds(20);     ///< a name whose connections are in use
inline constexpr std::size_t most_addresses = 16;                       ///< of a name

}  // namespace weir::net
