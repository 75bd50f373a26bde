// What is read, and where it goes.
#include <weir/component/push_events.h>

#include <algorithm>
#include <cstring>

#include "intake.h"

namespace weir::tcp {
namespace {

using boost::asio::ip::tcp;

constexpr std::size_t small_chunk = 8 << 10;  // up to here events are gathered with those of other connections
constexpr std::size_t most_in_block = 4096;
constexpr std::size_t block_bytes = 256 << 10;
constexpr auto look_for_memory_again = std::chrono::milliseconds(5);

}  // namespace

bool TcpIntake::is_unfinished(const Connection& c) const {
  return !c.rest.empty() || c.framer.skipping() || large_.owner.get() == &c;
}

void TcpIntake::read(const Peer& peer) {
  const bool large = large_.owner == peer;
  const std::size_t kept = large ? large_.used : peer->rest.size();
  chunk_.base = large ? large_.bytes.get() : buffer_.get();
  if (!large && kept > 0) std::memcpy(chunk_.base, peer->rest.data(), kept);
  const auto moved = fill(peer, chunk_.base, kept);
  if (peer->phase == Connection::Phase::held) return;
  peer->grown =
      shared_->receive_buffers.after_read(peer->socket.native_handle(), peer->grown, moved.bytes, most_quantum);
  if (moved.state == Connection::State::failed && moved.bytes == 0) return dismiss(peer, Reason::client_gone);
  const bool in_a_frame = is_unfinished(*peer);
  large ? void(large_.used = 0) : peer->rest.clear();  // it is on the chunk now
  lay_out(peer, kept + moved.bytes, moved.state);
  if (!chunk_.frames.index.empty() || !in_a_frame) peer->waited = Duration{0};
}

std::size_t TcpIntake::quantum() const {
  constexpr std::size_t round = 256 << 10, least = 4 << 10;
  return std::clamp(round / (ready_.size() + 1), least, most_quantum);
}

/// Reads no more than can be kept if it stays unfinished: bytes that were read cannot be put back into the socket.
Connection::Moved TcpIntake::fill(const Peer& peer, char* into, std::size_t kept) {
  const bool large = large_.owner == peer;
  const bool anything_fits = large ? large_.line.empty() : !large_.owner;
  if (anything_fits) return peer->read(into + kept, quantum());
  const auto seen = peer->peek(into + kept, quantum());
  if (seen.bytes == 0) return seen;
  Framer probe = peer->framer;
  probe.scan({into, kept + seen.bytes}, probe_);
  const std::size_t unfinished = kept + seen.bytes - probe_.consumed;
  if (unfinished <= rest_capacity || (large && probe_.consumed == 0)) return peer->read(into + kept, seen.bytes);
  const std::size_t take = seen.bytes - std::min(seen.bytes, unfinished - rest_capacity);
  if (take > 0) return peer->read(into + kept, take);
  peer->phase = Connection::Phase::held;
  large_.line.push_back(peer);
  return {};
}

void TcpIntake::lay_out(const Peer& peer, std::size_t size, Connection::State state) {
  chunk_.last = state == Connection::State::end || state == Connection::State::failed;
  if (state == Connection::State::end && options_.framing == Framing::newline && size > 0)
    chunk_.base[size++] = '\n';  // the last line of a sender that has closed properly
  peer->framer.scan({chunk_.base, size}, chunk_.frames);
  if (chunk_.frames.too_large) output_.refused(chunk_.frames.too_large, Reason::event_too_large);
  if (chunk_.frames.malformed) output_.refused(chunk_.frames.malformed, Reason::malformed);
  chunk_.peer = peer;
  chunk_.size = size;
  chunk_.next = 0;
  chunk_.small = priority_reader_ || size <= small_chunk;
  if (chunk_.last || chunk_.frames.broken) return;
  if (state == Connection::State::ok) {
    ready_.push_back(peer);
    return;
  }
  peer->phase = Connection::Phase::waiting;
  arm(peer, state == Connection::State::wait_write ? tcp::socket::wait_write : tcp::socket::wait_read);
}

/// False: the flow or the budget has no room for the next event.
bool TcpIntake::give() {
  while (chunk_.next < chunk_.frames.index.size())
    if (!(chunk_.small ? give_one() : give_block())) return false;
  clear_chunk();
  return true;
}

bool TcpIntake::reserve(Bytes amount) {
  auto ticket = output_.reserve(amount);
  if (ticket) {
    chunk_.ticket = std::move(*ticket);
    return true;
  }
  // Memory comes back when events have their fates, which nobody tells an intake.
  turns_.sleep(look_for_memory_again);
  return false;
}

Priority TcpIntake::priority_of(std::string_view event) {
  if (!priority_reader_) return options_.priorities.fallback;
  const auto value = priority_reader_->text(event);
  return value ? options_.priorities.of(*value) : options_.priorities.fallback;
}

bool TcpIntake::give_one() {
  const Batch::Slot& slot = chunk_.frames.index[chunk_.next];
  const std::string_view event{chunk_.base + slot.offset, slot.length};
  const Priority priority = priority_of(event);
  if (!may_give(priority) || !reserve(output_.cost(event.size(), 1))) return false;
  output_.add_from(chunk_.peer->origin, event, priority, nullptr, std::move(chunk_.ticket));
  ++chunk_.next;
  return true;
}

bool TcpIntake::give_block() {
  if (!may_give(options_.priorities.fallback)) return false;
  auto& index = chunk_.frames.index;
  const std::size_t first = chunk_.next, begin = index[first].offset;
  std::size_t end = first + 1;
  while (end < index.size() && end - first < most_in_block &&
         index[end].offset + index[end].length - begin < block_bytes)
    ++end;
  const std::size_t n = end - first;
  std::size_t bytes = index[end - 1].offset + index[end - 1].length - begin;
  if (options_.framing == Framing::newline) ++bytes;  // its '\n', so that the block lies as lines
  if (!reserve(output_.cost(bytes, n))) return false;
  for (std::size_t i = first; i < end; ++i) {
    index[i].offset -= static_cast<std::uint32_t>(begin);
    index[i].number = static_cast<std::uint32_t>(i - first);
  }
  BatchInfo info;
  info.priority = options_.priorities.fallback;
  info.received = output_.context().now();
  info.received_wall = output_.context().wall();
  info.one_line_each = options_.framing == Framing::newline;
  info.origin = chunk_.peer->origin;
  info.first_id = output_.next_ids(static_cast<std::uint32_t>(n));
  push_copy(output_, {chunk_.base + begin, bytes}, std::span(index).subspan(first, n), nullptr, info, chunk_.ticket);
  chunk_.ticket = Ticket{};
  chunk_.next = end;
  return true;
}

/// All of it has gone: what is left is the beginning of a frame.
void TcpIntake::clear_chunk() {
  const Peer peer = std::exchange(chunk_.peer, nullptr);
  const std::string_view rest{chunk_.base + chunk_.frames.consumed, chunk_.size - chunk_.frames.consumed};
  update_quiet();
  if (peer->closed) return;
  if (!chunk_.frames.broken) keep_rest(peer, rest);
  if (chunk_.last || chunk_.frames.broken) dismiss(peer, Reason::client_gone);
}

void TcpIntake::keep_rest(const Peer& peer, std::string_view rest) {
  if (rest.size() <= rest_capacity) {
    peer->rest.assign(rest);
    if (large_.owner == peer) free_large();
    return;
  }
  if (!large_.bytes)
    large_.bytes =
        std::make_unique_for_overwrite<char[]>(options_.max_event.count() + 8 + most_quantum + block_padding);
  std::memmove(large_.bytes.get(), rest.data(), rest.size());
  large_.used = rest.size();
  large_.owner = peer;
  peer->rest.clear();
}

/// The next in line is read again, whatever comes: its frame may become the large one.
void TcpIntake::free_large() {
  large_.owner = nullptr;
  large_.used = 0;
  for (const Peer& peer : large_.line) {
    peer->phase = Connection::Phase::ready;
    ready_.push_front(peer);
  }
  std::ranges::reverse(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(large_.line.size()));
  large_.line.clear();
  if (!ready_.empty()) turns_.schedule();
}

}  // namespace weir::tcp
