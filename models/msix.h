// One MSI-X vector: gathers completions and interrupts once for the batch.
//
//   Nvme, Nic ──post()──► MsixVector ──irq──► Irq
//                             ▲
//   NAPI ─────────rearm()─────┘ (one-shot only)
//
// Models:   NVMe interrupt coalescing (Set Features 08h; a threshold of 1 is plain MSI-X), and NIC
//           moderation: ethtool -C rx-usecs, rx-frames, and CQE mode (DIM_CQ_PERIOD_MODE_START_FROM_CQE);
//           e1000e's EITR register, which only sets how soon one message may follow another.
// Left out: mask and pending bits; delivery latency (Cost::msi_delivery), which the receiver adds;
//           adaptive moderation (DIM) and the *-irq variants of the ethtool parameters.
#pragma once

#include <cstdint>

#include "sim/engine.h"
#include "sim/port.h"
#include "sim/time.h"

namespace models {

// Where a batch's longest wait counts from: its first completion, its latest one, or the last interrupt.
enum class ModerationMode : std::uint8_t { eqe, cqe, throttle };

template <class Visitor>
void enumerators(ModerationMode*, Visitor&& named) {
  named("eqe", ModerationMode::eqe);
  named("cqe", ModerationMode::cqe);
  named("throttle", ModerationMode::throttle);
}

struct MsixConfig {
  int aggregation_threshold = 1;   // completions per interrupt, >= 1
  sim::Nanos aggregation_time{0};  // longest wait of a batch; 0: nothing waits
  ModerationMode mode = ModerationMode::eqe;
  bool one_shot = false;  // after an interrupt, silent until rearm(): a NIC's queue, not an NVMe's
};

template <class Visitor>
void fields(MsixConfig& config, Visitor&& field) {
  field("aggregation_threshold", config.aggregation_threshold);
  field("aggregation_time", config.aggregation_time);
  field("mode", config.mode);
}

// Invariant: while the vector is armed, fewer than aggregation_threshold completions are gathered and,
// if there is one, the timer runs. A disarmed vector (one-shot only) has no timer.
class MsixVector {
 public:
  MsixVector(sim::Engine& engine, MsixConfig config);
  MsixVector(const MsixVector&) = delete;  // ports and events point here
  MsixVector& operator=(const MsixVector&) = delete;

  sim::Port<void()> irq;  // out: one interrupt; called from inside post() or rearm() if nothing waits

  // in: the device wrote `completions` >= 1 at one instant; they share one message.
  void post(int completions = 1);
  // in, one-shot: software hears interrupts again. `unconsumed` completions were written meanwhile and
  // not yet taken by software; they begin a new batch now. No effect on a vector that is armed.
  void rearm(int unconsumed);
  // in, one-shot: software takes over without an interrupt having come.
  void disarm();

  bool armed() const { return armed_; }
  std::int64_t interrupts() const { return interrupts_; }

 private:
  void gather(int completions);
  void fire();
  void expired();

  sim::Engine& engine_;
  MsixConfig config_;
  sim::Timer timer_;  // the batch's longest wait
  sim::SimTime silent_until_{};  // throttled: no interrupt before
  int aggregated_ = 0;
  bool armed_ = true;
  std::int64_t interrupts_ = 0;
};

}  // namespace models
