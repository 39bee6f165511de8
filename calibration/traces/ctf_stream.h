// One stream of a CTF trace (LTTng has one for each CPU) as babeltrace2 hands it out, at its next event or
// loss.
//
// Also here: what babeltrace2 says when it fails, as a Refusal.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <cstdint>
#include <string_view>

#include "calibration/traces/event_wire.h"

namespace calibration {

inline constexpr std::string_view ctf_expected = "an undamaged CTF trace of LTTng";

// A message of babeltrace2, or a line of its log, without what is different each time: "11-22 19:11:22.241
// 511 511 E PLUGIN/CTF/... yyerror@parser.y:943 At line 4 in metadata stream: ..., mdec-addr=0x55cfe0175300".
std::string_view babeltrace2_gist(std::string_view line);

// Throws a Refusal: "a trace that babeltrace2 cannot <what> (<its innermost cause>)".
[[noreturn]] void babeltrace2_failed(std::string_view what);
void require_babeltrace2(bool done, std::string_view what);

class CtfStream {
 public:
  CtfStream() = default;
  CtfStream(CtfStream&& other) noexcept;
  CtfStream& operator=(CtfStream&&) = delete;
  ~CtfStream();

  void open(::bt_self_component_sink* sink, std::uint64_t port);  // while the graph is being configured

  // Goes to the first event or loss from here on; false at the end. Throws Refusal.
  bool find();
  void release() { ::bt_message_put_ref(messages_[at_++]); }  // what find() found

  // Of what find() found.
  const ::bt_message* message() const { return messages_[at_]; }
  std::int64_t time() const { return time_; }  // ns since the clock's origin
  std::int32_t cpu() const { return cpu_; }    // -1: not said

 private:
  bool read_on();
  bool stop_at(const ::bt_message* message);
  void take_time(const ::bt_clock_snapshot* snapshot);
  void take_cpu(const ::bt_packet* packet);

  ::bt_message_iterator* iterator_ = nullptr;
  ::bt_message_array_const messages_ = nullptr;
  std::uint64_t count_ = 0, at_ = 0;  // messages_[at_, count_) are ours to release
  std::int64_t time_ = 0;
  std::int32_t cpu_ = -1;
};

}  // namespace calibration
