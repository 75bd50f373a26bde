#pragma once
/// Source `stdin`: lines from standard input. Its writer does not wait for an answer and nothing can be read twice, so
/// it can only be paused: its level is `accepted` at most.
///
/// A thread of its own reads, because a regular file cannot be waited for with epoll and a terminal must not be made
/// non-blocking, because other processes use it too. It reads one piece of 64 KiB when the flow takes events, and the
/// next when all of that is given.
///
/// Thread: its reactor, and the reading one; `quiet` any. Cost: about 60 ns a line. On cancel: `stop` ends the reading
/// at once; lines that were read and not yet given are counted as refused{shutting_down}.
#include <weir/component/catalog.h>

#include <memory>

namespace weir::stdio {

/// `fd` stays open; a test gives another than 0.
SourceType stdin_type(int fd = 0);

}  // namespace weir::stdio
