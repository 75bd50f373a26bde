#pragma once
/// What sanitizers this build has, for tests that cannot hold under one of them.
///
/// Thread: constants. Cost: none.

namespace weir {

#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
/// It looks at memory through a pipe: a process without descriptors is told that its objects are none.
inline constexpr bool checks_need_descriptors = true;
#else
inline constexpr bool checks_need_descriptors = false;
#endif
#else
inline constexpr bool checks_need_descriptors = false;
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
/// So that what was freed is found, also where it would have had room.
inline constexpr bool realloc_always_moves = true;
#else
inline constexpr bool realloc_always_moves = false;
#endif
#else
inline constexpr bool realloc_always_moves = false;
#endif

}  // namespace weir
