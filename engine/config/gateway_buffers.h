#pragma once
/// How far the receive buffers of a gateway's clients may grow (net/receive_buffers.h): a body in full flow costs half
/// as much CPU through 128 KiB as through 32 KiB, and most connections carry none.
///
/// Thread: values. Cost: none.
#include "config/gateways.h"

#include <algorithm>

namespace weir::config {

inline constexpr Bytes gateway_most_receive_buffer = 128_KiB;
inline constexpr Bytes gateway_receive_memory = 4_MiB;  ///< of one gateway: 21 connections that have grown as far

/// What they take at most by growing; the kernel doubles what is asked for.
inline Bytes most_grown(const Gateway& gateway) {
  return std::min(gateway_receive_memory,
                  Bytes((gateway_most_receive_buffer - gateway_receive_buffer).count() * 2 * gateway.max_connections));
}

}  // namespace weir::config
