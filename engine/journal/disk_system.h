#pragma once
/// How errors of the system become an Error: one wording and one table for the machine's disk and for simulated ones.
///
/// ENOSPC and EDQUOT are `overloaded` (room may come back), all else is `failed`.
///
/// Thread: any. Cost: allocates the message. Ref: errno(3).
#include <weir/base/result.h>

#include <string>
#include <string_view>

namespace weir::journal {

/// "cannot write data/0001.journal: No space left on device". `what` is the verb, `error` an errno.
std::unexpected<Error> disk_failure(std::string_view what, const std::string& path, int error);

}  // namespace weir::journal
