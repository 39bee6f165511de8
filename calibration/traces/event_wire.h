// Events on their way between two processes: how a parser that runs apart (parser_process.h) hands over what
// it read. A stream of messages, each a 16-bit length, a tag and fields in the machine's own byte order; a
// name is sent once, before the first event that uses it, and is a number from then on.
//
//   child: EventWriter ──pipe──► parent: EventDecoder
//
// The parent trusts nothing: a parser that a hostile file has taken over may send any bytes. Whatever comes
// out of EventDecoder is an event with a kind that exists, names that are known, a time in 0..2^62 ns and a
// cpu in -1..max_cpu; anything else is a BadMessage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/traces/event.h"
#include "calibration/traces/event_reader.h"

namespace calibration {

inline constexpr std::int32_t max_cpu = 8191;                          // CONFIG_NR_CPUS is at most 8192
inline constexpr std::int64_t max_event_time = std::int64_t{1} << 62;  // so that differences do not overflow

// Why the parser gives up on its file; the parts of scenarios::InputErrorDetails that it knows. Thrown in the
// child, where there is no InputError to make: the parent knows what the user calls the file.
struct Refusal {
  std::string found;
  std::string expected;
  std::string suggestion;
};

class EventWriter {
 public:
  static constexpr std::size_t longest_text =
      1000;  // of a detail, a warning, each part of a refusal; cut there

  explicit EventWriter(int fd) : fd_{fd} { buffer_.reserve(capacity); }

  Names& names() { return names_; }  // for the events' names
  std::uint64_t events() const { return events_; }

  void event(Event event);             // throws Refusal for a time or cpu that cannot be
  void detail(std::string_view text);  // CaptureLog::detail
  void warning(std::string_view text);
  void refuse(const Refusal& refusal);  // the last message, or
  void end();                           // the last message
  void flush();                         // throws std::system_error when the reader is gone

 private:
  static constexpr std::size_t capacity = std::size_t{64} << 10;
  void define_new_names();
  template <class Body>
  void message(std::uint8_t tag, Body&& body);

  int fd_;
  Names names_;
  std::size_t defined_ = 2;  // names that the parent knows: none and overflow from the start
  std::uint64_t events_ = 0;
  std::vector<char> buffer_;
};

class EventDecoder {
 public:
  struct BadMessage {
    std::string what;
  };

  EventDecoder(Names& names, CaptureLog& log);

  std::span<char> space();        // where to read the next bytes to
  void filled(std::size_t size);  // so many were read
  bool next(Event& event);        // false: more bytes are needed, or over(). Throws BadMessage.
  bool over() const { return over_; }
  const std::optional<Refusal>& refusal() const { return refusal_; }

 private:
  static constexpr std::size_t capacity = std::size_t{128} << 10;
  bool take(std::span<const char> message, Event& event);
  void define_name(std::string_view text);

  Names& names_;
  CaptureLog& log_;
  std::vector<Name> known_;  // by the child's number
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // undecoded bytes: [begin_, end_)
  std::size_t end_ = 0;
  bool over_ = false;
  std::optional<Refusal> refusal_;
};

}  // namespace calibration
