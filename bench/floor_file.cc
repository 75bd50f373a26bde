/// The floor of a file to a file: one thread that reads 256 KiB at a time, frames lines with memchr, and with each
/// 1 MiB makes one writev and one fdatasync, as one delivery would. Nothing is remembered of how far it came.
///
/// Ends when the input does.
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "support.h"

namespace weir::bench {
namespace {

constexpr std::size_t piece_size = 256 << 10, pieces = 4;

void write_all(int out, std::array<iovec, pieces>& parts, std::size_t n) {
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < n; ++i) wanted += parts[i].iov_len;
  // A short write to a regular file means that the disk is full: no figure.
  if (::writev(out, parts.data(), static_cast<int>(n)) != static_cast<ssize_t>(wanted))
    fail_errno("cannot append to the floor's file");
  if (::fdatasync(out) != 0) fail_errno("cannot sync the floor's file");
}

std::uint64_t copy(int in, int out) {
  std::vector<char> buffer(pieces * piece_size);
  std::array<iovec, pieces> parts{};
  std::uint64_t lines = 0;
  for (bool more = true; more;) {
    std::size_t n = 0;
    for (; n < pieces; ++n) {
      char* const to = buffer.data() + n * piece_size;
      const auto got = ::read(in, to, piece_size);
      if (got < 0) fail_errno("cannot read the input");
      if (!(more = got > 0)) break;
      lines += count_lines({to, static_cast<std::size_t>(got)});
      parts[n] = {to, static_cast<std::size_t>(got)};
    }
    if (n > 0) write_all(out, parts, n);
  }
  return lines;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir::bench;
  if (argc != 3) fail("usage: bench_floor_file FROM TO");
  const int in = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (in < 0) fail_errno("cannot open the input");
  const int out = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (out < 0) fail_errno("cannot open the output");
  std::printf("%llu lines\n", static_cast<unsigned long long>(copy(in, out)));
}
