#include "models/fair_server.h"

#include "sim/check.h"

namespace models {
namespace {

constexpr std::int64_t dl_server_min_res = 1'000'000;  // the timer is not put off by less than this
constexpr int dl_scale = 10;                           // DL_SCALE

}  // namespace

FairServer::FairServer(const FairServerConfig& config)
    : dl_runtime_{config.runtime.count()}, dl_period_{config.period.count()} {
  sim::check(dl_runtime_ >= 0 && dl_period_ >= dl_runtime_ && dl_period_ > 0,
             "a fair server's runtime fits its period");
}

// dl_entity_overflow: with what is left until the deadline it would use more than its share. A runtime that
// is overdrawn counts as a huge one.
bool FairServer::overflow(std::int64_t clock) const {
  const auto left =
      static_cast<std::uint64_t>(dl_period_ >> dl_scale) * static_cast<std::uint64_t>(runtime_ >> dl_scale);
  const auto right = static_cast<std::uint64_t>((deadline_ - clock) >> dl_scale) *
                     static_cast<std::uint64_t>(dl_runtime_ >> dl_scale);
  return right < left;
}

void FairServer::new_period(std::int64_t clock) {
  deadline_ = clock + dl_period_;
  runtime_ = dl_runtime_;
  if (!defer_running_) {
    throttled_ = true;
    defer_armed_ = true;
  }
}

// False: that time has passed.
bool FairServer::start_timer(std::int64_t clock) {
  const std::int64_t at = defer_armed_ ? deadline_ - runtime_ : deadline_;
  if (at < clock) {
    return false;
  }
  timer_at_ = at;
  return true;
}

void FairServer::enqueue() {
  cancel_timer();
  defer_armed_ = false;
  throttled_ = false;
  on_dl_rq_ = true;
}

void FairServer::start(std::int64_t clock) {
  if (dl_runtime_ == 0 || active_) {
    return;
  }
  active_ = true;
  if (deadline_ < clock || overflow(clock)) {
    new_period(clock);
  } else if (!defer_running_) {
    defer_armed_ = true;
    throttled_ = true;
  }
  if (!throttled_ || !start_timer(clock)) {
    enqueue();
  }
}

void FairServer::stop() {
  active_ = false;
  on_dl_rq_ = false;
  cancel_timer();
  defer_armed_ = false;
  throttled_ = false;
}

void FairServer::fair_ran(sim::Nanos span, std::int64_t clock) {
  if (!active_) {
    return;
  }
  runtime_ -= span.count();
  if (runtime_ > 0) {
    return;
  }
  if (throttled_) {  // They ran by themselves: no starving, back to waiting.
    defer_running_ = false;
    cancel_timer();
    new_period(clock);
    sim::check(start_timer(clock), "a new period's activation lies ahead");
    return;
  }
  throttled_ = true;
  on_dl_rq_ = false;
  if (!start_timer(clock)) {
    new_period(clock);
    if (!start_timer(clock)) {
      enqueue();
    }
  }
}

void FairServer::idled(sim::Nanos span) {
  if (runtime_ < 0) {
    return;
  }
  runtime_ -= span.count();
  if (runtime_ < 0) {
    defer_running_ = false;
    runtime_ = 0;
  }
}

void FairServer::expire(std::int64_t clock) {
  cancel_timer();
  if (!throttled_ || !active_) {
    return;
  }
  if (defer_armed_) {
    if (clock < deadline_ - runtime_ - dl_server_min_res) {
      timer_at_ = deadline_ - runtime_;
      return;
    }
    defer_running_ = true;
  }
  replenish(clock);
  if (!throttled_ || !start_timer(clock)) {
    enqueue();
  }
}

void FairServer::replenish(std::int64_t clock) {
  if (defer_armed_ && overflow(clock)) {
    deadline_ = clock + dl_period_;
    runtime_ = dl_runtime_;
  }
  while (runtime_ <= 0) {
    deadline_ += dl_period_;
    runtime_ += dl_runtime_;
  }
  if (deadline_ < clock) {
    new_period(clock);
  }
  throttled_ = false;
  if (defer_armed_) {
    defer_armed_ = false;
    return;
  }
  if (!defer_running_ && clock < deadline_ - runtime_) {
    defer_armed_ = true;
    throttled_ = true;
  }
}

}  // namespace models
