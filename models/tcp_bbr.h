// BBR's pacing rate of one connection: how long TCP holds an skb back after the one before.
//
//   sendmsg(), sent() ─► what was delivered when each skb left ─► acked() ─► delivery rate ─► pacing rate
//
// Models:   net/ipv4/tcp_rate.c (a sample of the delivery rate per ACK, over the longer of the send and
//           the ACK interval; samples limited by the application are marked), lib/win_minmax.c and
//           net/ipv4/tcp_bbr.c: bbr_update_bw (the largest of ten round trips; an application-limited
//           sample counts only if it is not below), STARTUP's gain of 2/ln 2 until three rounds without
//           growth, bbr_set_pacing_rate with its margin of 1 %;
//           net/ipv4/tcp_output.c:tcp_update_skb_after_send (the next skb leaves when this one would have
//           at that rate; up to half of that is forgiven after a pause). Times are the kernel's:
//           microseconds for samples, nanoseconds for departures.
// Left out: the congestion window, PROBE_RTT (which restarts from idle keep away) and the phases of
//           PROBE_BW: a sender that restarts from idle is paced at the bandwidth itself, and the probing
//           phase's 5/4, which it would leave only with more in flight than it ever has, holds for what
//           it sends without a pause.
#pragma once

#include <array>
#include <cstdint>

#include "sim/ring.h"
#include "sim/time.h"

namespace models {

class TcpBbr {
 public:
  // in: tcp_sendmsg begins, with everything sent before.
  void sendmsg();
  // When the next skb may leave, at the earliest.
  sim::SimTime departure() const { return wstamp_; }
  void sent(sim::SimTime now, std::int64_t bytes);  // in: an skb leaves
  // in: an ACK says that `bytes` in all have been received.
  void acked(sim::SimTime now, std::int64_t bytes);

  std::int64_t pacing_rate() const { return pacing_rate_; }  // bytes/s; 0: none yet
  bool startup() const { return !full_bw_reached_; }

 private:
  struct Skb {
    std::int64_t end = 0;  // of its bytes in the stream
    std::int64_t packets = 0;
    std::int64_t sent_us = 0, first_sent_us = 0;
    std::int64_t delivered = 0, delivered_us = 0;  // of the connection, when it left
    bool app_limited = false;
  };
  struct Sample {
    std::int64_t round = 0;
    std::int64_t bw = 0;
  };
  void model(const Skb& newest, std::int64_t interval_us);
  void update_max(std::int64_t bw);
  void check_full_bw_reached();
  void set_pacing_rate(std::int64_t gain);

  sim::Ring<Skb> in_flight_{1024};  // beyond that no samples are taken
  sim::SimTime wstamp_{};
  std::int64_t pacing_rate_ = 0;
  std::int64_t segments_out_ = 0;
  std::int64_t stream_end_ = 0;  // bytes sent
  std::int64_t packets_out_ = 0;
  std::int64_t delivered_ = 0;  // packets
  std::int64_t delivered_us_ = 0;
  std::int64_t first_sent_us_ = 0;
  std::int64_t app_limited_ = 0;  // the delivered count at which what is in flight has been delivered; 0: not
  std::int64_t min_rtt_us_ = 0;   // 0: none yet

  std::int64_t round_ = 0;
  std::int64_t round_ends_ = 0;  // delivered count
  bool round_start_ = false;
  std::array<Sample, 3> max_bw_{};  // packets << 24 per us, the best, second and third best
  std::int64_t full_bw_ = 0;
  int full_bw_rounds_ = 0;
  bool full_bw_reached_ = false;
};

}  // namespace models
