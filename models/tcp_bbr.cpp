#include "models/tcp_bbr.h"

#include <algorithm>

#include "models/packet.h"

namespace models {

namespace {

constexpr int bw_scale = 24;             // BW_SCALE
constexpr std::int64_t unit = 256;       // BBR_UNIT
constexpr std::int64_t high_gain = 739;  // 256 * 2885 / 1000 + 1
constexpr std::int64_t probe_gain = unit * 5 / 4;
constexpr std::int64_t bw_rounds = 10;
constexpr std::int64_t unpaced_segments = 10;  // tcp_update_skb_after_send lets the first ten go

std::int64_t to_us(sim::SimTime at) { return sim::count(at) / 1000; }

}  // namespace

// tcp_rate_check_app_limited: nothing waits to be sent, and the window would allow more.
void TcpBbr::sendmsg() { app_limited_ = std::max<std::int64_t>(1, delivered_ + packets_out_); }

void TcpBbr::sent(sim::SimTime now, std::int64_t bytes) {
  const std::int64_t us = to_us(now);
  if (packets_out_ == 0) {
    first_sent_us_ = delivered_us_ = us;
    if (app_limited_ != 0 && full_bw_reached_) {
      set_pacing_rate(unit);  // CA_EVENT_TX_START: a restart from idle
    }
  }
  Skb skb;
  skb.packets = frames_of(bytes, default_mss);
  stream_end_ += bytes;
  skb.end = stream_end_;
  skb.sent_us = us;
  skb.first_sent_us = first_sent_us_;
  skb.delivered = delivered_;
  skb.delivered_us = delivered_us_;
  skb.app_limited = app_limited_ != 0;
  segments_out_ += skb.packets;
  if (!in_flight_.full()) {
    packets_out_ += skb.packets;
    in_flight_.push(skb);
  }

  const sim::SimTime before = wstamp_;
  wstamp_ = std::max(wstamp_, now);
  if (pacing_rate_ > 0 && segments_out_ >= unpaced_segments) {
    sim::Nanos length{bytes * 1'000'000'000 / pacing_rate_};
    length -= std::min(length / 2, wstamp_ - before);
    wstamp_ += length;
  }
}

void TcpBbr::acked(sim::SimTime now, std::int64_t bytes) {
  const std::int64_t us = to_us(now);
  Skb newest;
  bool any = false;
  while (!in_flight_.empty() && in_flight_.front().end <= bytes) {
    newest = in_flight_.pop();
    packets_out_ -= newest.packets;
    delivered_ += newest.packets;
    any = true;
  }
  if (!any) {
    return;
  }
  first_sent_us_ = newest.sent_us;
  delivered_us_ = us;
  if (app_limited_ != 0 && delivered_ > app_limited_) {
    app_limited_ = 0;
  }
  const std::int64_t rtt = std::max<std::int64_t>(1, us - newest.sent_us);
  min_rtt_us_ = min_rtt_us_ == 0 ? rtt : std::min(min_rtt_us_, rtt);
  const std::int64_t interval = std::max(newest.sent_us - newest.first_sent_us, us - newest.delivered_us);
  if (interval >= min_rtt_us_) {
    model(newest, interval);
  }
  set_pacing_rate(full_bw_reached_ ? probe_gain : high_gain);
}

void TcpBbr::model(const Skb& newest, std::int64_t interval_us) {
  round_start_ = newest.delivered >= round_ends_;
  if (round_start_) {
    round_ends_ = delivered_;
    ++round_;
  }
  const std::int64_t bw = ((delivered_ - newest.delivered) << bw_scale) / interval_us;
  if (!newest.app_limited || bw >= max_bw_[0].bw) {
    update_max(bw);
  }
  if (!newest.app_limited) {
    check_full_bw_reached();
  }
}

// minmax_running_max: the second and third best are those of later parts of the window.
void TcpBbr::update_max(std::int64_t bw) {
  const Sample sample{round_, bw};
  if (bw >= max_bw_[0].bw || round_ - max_bw_[2].round > bw_rounds) {
    max_bw_.fill(sample);
    return;
  }
  if (bw >= max_bw_[1].bw) {
    max_bw_[1] = max_bw_[2] = sample;
  } else if (bw >= max_bw_[2].bw) {
    max_bw_[2] = sample;
  }
  const std::int64_t age = round_ - max_bw_[0].round;
  if (age > bw_rounds) {
    max_bw_ = {max_bw_[1], max_bw_[2], sample};
    if (round_ - max_bw_[0].round > bw_rounds) {
      max_bw_ = {max_bw_[1], max_bw_[2], sample};
    }
  } else if (max_bw_[1].round == max_bw_[0].round && age > bw_rounds / 4) {
    max_bw_[1] = max_bw_[2] = sample;
  } else if (max_bw_[2].round == max_bw_[1].round && age > bw_rounds / 2) {
    max_bw_[2] = sample;
  }
}

void TcpBbr::check_full_bw_reached() {
  if (full_bw_reached_ || !round_start_) {
    return;
  }
  if (max_bw_[0].bw >= full_bw_ * 5 / 4) {
    full_bw_ = max_bw_[0].bw;
    full_bw_rounds_ = 0;
    return;
  }
  full_bw_reached_ = ++full_bw_rounds_ >= 3;
}

void TcpBbr::set_pacing_rate(std::int64_t gain) {
  const std::int64_t rate = ((max_bw_[0].bw * default_mss * gain / unit * 990'000) >> bw_scale);
  if (full_bw_reached_ || rate > pacing_rate_) {
    pacing_rate_ = rate;
  }
}

}  // namespace models
