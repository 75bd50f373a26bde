#pragma once
/// Bytes in, the head of an answer and pieces of its body out: the client's half of HTTP/1.1 for who passes an answer
/// on and so must not read it otherwise than whoever comes after. No sockets, no time, no copies.
///
/// Anything two parsers could read differently is damaged: bare LF, folded lines, white space before a colon, control
/// characters, Content-Length twice or beside Transfer-Encoding, encodings but "chunked", one of them in HTTP/1.0,
/// chunk sizes that are no plain hexadecimal number, quotes in a chunk extension that do not close. A body is framed by
/// chunks, by Content-Length, or by the end of the connection, in this order; 1xx, 204, 304 and answers to HEAD have
/// none. Trailer fields are checked, and kept until the next answer.
///
/// Thread: one owner. Cost: about 200 ns for a head of eight lines. Bound: a head, or the trailers, of `max_head`.
/// Ref: RFC 9112 sections 2.2, 4, 6 and 7.
#include <weir/base/units.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::net {

/// Views into the bytes that were given to `parse_head`.
struct AnswerHead {
  int status = 0;
  unsigned version = 11;                     ///< 10 or 11
  std::string_view fields{};                 ///< all header lines as sent, each ended by CR LF
  std::optional<std::uint64_t> length{};     ///< Content-Length; of HEAD and 304 what the body would have
  bool chunked = false, to_the_end = false;  ///< how the body is framed, if it has one
  bool keep_alive = true;
  bool is_interim() const { return status < 200; }
};

class AnswerParser {
 public:
  enum class Status : std::uint8_t { need_more, done, damaged };
  explicit AnswerParser(Bytes max_head) : max_head_(max_head.count()) {}

  /// Ready for the answer to a request; `to_head`: its method was HEAD.
  void reset(bool to_head);
  /// Looks for a head at the front of `bytes`. Until it is done, each call gets the same bytes and what came since.
  /// After an interim one the next head is looked for in what follows.
  Status parse_head(std::string_view bytes);
  const AnswerHead& head() const { return head_; }
  std::size_t head_size() const { return head_size_; }

  struct Piece {
    Status status = Status::need_more;  ///< done: the body has ended, and `data` is empty
    std::size_t consumed = 0;           ///< take so many bytes off the front, whatever the status
    std::string_view data{};            ///< of the body, inside the input
  };
  /// The next piece of the body at the front of `bytes`, at most `most`, framing removed.
  Piece parse_body(std::string_view bytes, std::size_t most);
  bool body_done() const { return part_ == Part::complete; }
  /// After the body has ended: whole lines, those left out that say how a message is framed or to whom it goes.
  std::string_view trailers() const { return trailer_lines_; }
  /// After the head of a 101: from here on all is body, to the end of the connection.
  void become_tunnel();
  /// What is missing for sure of the body or of its present chunk.
  std::uint64_t body_left() const { return left_; }
  /// The connection has ended. False: before the body had.
  bool end_of_input();

 private:
  enum class Part : std::uint8_t { head, length, size, chunk, chunk_end, trailer, to_the_end, complete };
  bool read_status_line(std::string_view line);
  bool read_fields(std::string_view fields);
  bool read_field(std::string_view name, std::string_view value);
  bool frame();
  std::optional<Status> step(std::string_view bytes, std::size_t& consumed);
  bool read_size(std::string_view line);

  std::size_t max_head_;
  Part part_ = Part::head;
  AnswerHead head_;
  std::size_t head_size_ = 0, trailers_ = 0;
  std::string trailer_lines_;
  std::uint64_t left_ = 0;
  bool to_head_ = false, encoded_ = false;
};

}  // namespace weir::net
