#include "models/blk_mq.h"

#include <algorithm>
#include <utility>

namespace models {

namespace {

// matrix_find_best_cpu_managed: fewest managed vectors, ties to the highest number.
std::size_t effective_cpu_of(const std::vector<int>& managed, std::size_t first, std::size_t last) {
  std::size_t best = first;
  for (std::size_t i = first; i < last; ++i) {
    if (managed[i] <= managed[best]) {
      best = i;
    }
  }
  return best;
}

// std::stable_partition without its buffer: batches are short, and completing them allocates nothing.
template <class First>
std::vector<Request>::iterator first_to_front(std::vector<Request>& batch, First&& first) {
  auto front = batch.begin();
  for (auto at = front; at != batch.end(); ++at) {
    if (first(*at)) {
      std::rotate(front++, at, at + 1);
    }
  }
  return front;
}

}  // namespace

BlkMq::BlkMq(sim::Engine& engine, const BlkMqConfig& config, const KernelConfig& kernel,
             std::vector<std::unique_ptr<Cpu>>& cpus, CostSampler& costs, const Tracepoints& tracepoints,
             CompletionPool& completions, Meter& meter, std::vector<int>& managed)
    : engine_{engine},
      config_{config},
      rq_affinity_{kernel.rq_affinity},
      batch_in_cq_order_{kernel.release == KernelRelease::v6_18},
      cpus_{cpus},
      costs_{costs},
      tracepoints_{tracepoints},
      completions_{completions},
      meter_{meter},
      done_(cpus.size()),
      running_(cpus.size()),
      running_next_(cpus.size(), 0) {
  config_.hw_queues = std::min(config_.hw_queues, static_cast<int>(cpus.size()));
  for (auto& list : done_) {
    list.reserve(256);
  }
  for (auto& list : running_) {  // they change places with done_
    list.reserve(256);
  }
  for (int q = 0; q < config_.hw_queues; ++q) {
    // group_cpus_evenly: the first groups get the CPUs that do not divide.
    std::size_t begin = 0;
    while (hctx_of(static_cast<CpuId>(begin)) != q) {
      ++begin;
    }
    std::size_t end = begin;
    while (end < cpus.size() && hctx_of(static_cast<CpuId>(end)) == q) {
      ++end;
    }
    const std::size_t effective = effective_cpu_of(managed, begin, end);
    ++managed[effective];
    auto queue =
        std::make_unique<Queue>(Queue{*this, static_cast<QueueId>(q), nullptr, {}, {}, 0, false, false});
    queue->batch.reserve(64);
    queue->irq = std::make_unique<DeviceIrq>(engine, *cpus[effective], costs, tracepoints, meter,
                                             static_cast<VectorId>(static_cast<int>(config.first_vector) + q),
                                             config.irq_handler);
    queues_.push_back(std::move(queue));
    queues_.back()->irq->handled.connect<&Queue::handled>(*queues_.back());
  }
}

int BlkMq::hctx_of(CpuId cpu) const {
  const int cpus = static_cast<int>(cpus_.size());
  const int share = cpus / config_.hw_queues;
  const int extra = cpus % config_.hw_queues;  // the first `extra` groups hold one CPU more
  const int number = static_cast<int>(cpu);
  const int in_larger = extra * (share + 1);
  return number < in_larger ? number / (share + 1) : extra + (number - in_larger) / share;
}

sim::Nanos BlkMq::submit(Request request, bool& accepted) {
  const auto queue = static_cast<QueueId>(hctx_of(request.submit_cpu));
  request.issued = engine_.now();
  accepted = queue_rq(queue, request);
  if (!accepted) {  // no tag: it was never issued
    meter_.count(Counter::rejected_requests);
    return sim::Nanos{0};
  }
  tracepoints_.fire(Tracepoint::block_rq_issue, request.submit_cpu,
                    static_cast<std::int64_t>(request.draw_key), request.bytes, request.write ? 1 : 0,
                    static_cast<std::int64_t>(request.device));
  const bool tell = kick_needed();
  kick(queue);
  return tell ? costs_.draw(config_.doorbell, for_agent(request)) : sim::Nanos{0};
}

// The handler's own cost has passed: take every completion there is.
void BlkMq::handled(Queue& queue) {
  queue.batch.clear();
  queue.next = 0;
  queue.drained = queue.served_agent = false;
  reap_next(queue);
}

// nvme_poll_cq; virtblk_done, whose handler's cost covers it.
void BlkMq::reap_next(Queue& queue) {
  while (reap(queue.id, queue.reaping)) {
    const bool agents = for_agent(queue.reaping);
    queue.served_agent |= agents;
    if (config_.reaps_in_handler) {
      queue.irq->cpu().run<&Queue::reaped>(Context::hardirq, costs_.draw(config_.per_completion, agents),
                                           queue);
      return;
    }
    if (ends_at_once(queue)) {
      return;
    }
  }
  queue.drained = true;
  if (config_.batches) {
    order_batch(queue.batch);
  }
  end_next(queue);
}

void BlkMq::reaped(Queue& queue) {
  if (!ends_at_once(queue)) {
    reap_next(queue);
  }
}

// What was reaped last joins the batch, goes elsewhere, or, without batches, ends before the next is reaped.
bool BlkMq::ends_at_once(Queue& queue) {
  if (!completes_in_hardirq(queue, queue.reaping)) {
    pass_on(queue.reaping, queue.irq->cpu().id());
    return false;
  }
  queue.batch.push_back(queue.reaping);
  if (!config_.batches) {
    end_next(queue);
  }
  return !config_.batches;
}

bool BlkMq::completes_in_hardirq(const Queue& queue, const Request& request) const {
  return !redirect(request, queue.irq->cpu().id()) && (config_.hw_queues > 1 || first(request));
}

// blk_mq_add_to_batch: 6.12 adds each request at the list's head. The policy's keep their order.
void BlkMq::order_batch(std::vector<Request>& batch) const {
  const auto rest = first_to_front(batch, [this](const Request& r) { return first(r); });
  if (!batch_in_cq_order_) {
    std::reverse(rest, batch.end());
  }
}

// blk_mq_end_request_batch. What the device completes meanwhile has a message of its own.
void BlkMq::end_next(Queue& queue) {
  if (queue.next == queue.batch.size()) {
    if (queue.drained) {
      queue.irq->leave(queue.served_agent);
    } else {
      reap_next(queue);
    }
    return;
  }
  const bool agents = for_agent(queue.batch[queue.next]);
  queue.irq->cpu().run<&Queue::ended>(Context::hardirq, costs_.draw(Cost::block_complete, agents), queue);
}

void BlkMq::ended(Queue& queue) {
  const Request request = queue.batch[queue.next++];
  completions_.stamp(request.completion, Stage::hardirq_entry, queue.irq->entered());
  finish(request, queue.irq->cpu().id());
  end_next(queue);
}

// blk_mq_raise_softirq, or blk_mq_complete_send_ipi: whoever finds the list empty sees to the BLOCK softirq.
void BlkMq::pass_on(const Request& request, CpuId here) {
  const bool remote = redirect(request, here);
  const CpuId target = remote ? request.submit_cpu : here;
  std::vector<Request>& list = done_[index(target)];
  list.push_back(request);
  if (list.size() > 1) {
    return;
  }
  if (remote) {
    send_block_ipi(here, target);
  } else {
    raise_block(target);
  }
}

// blk_mq_complete_need_ipi
bool BlkMq::redirect(const Request& request, CpuId here) const {
  if (rq_affinity_ == 0 || request.submit_cpu == here) {
    return false;
  }
  if (rq_affinity_ >= 2) {
    return true;
  }
  return static_cast<int>(request.submit_cpu) / config_.llc_cpus != static_cast<int>(here) / config_.llc_cpus;
}

void BlkMq::finish(const Request& request, CpuId cpu) {
  completions_.stamp(request.completion, Stage::completed, engine_.now());
  tracepoints_.fire(Tracepoint::block_rq_complete, cpu, static_cast<std::int64_t>(request.draw_key),
                    request.bytes, request.write ? 1 : 0, static_cast<std::int64_t>(request.device));
  if (for_agent(request)) {
    // One that an earlier message's handler found has no message of its own.
    const Completion& completion = completions_[request.completion];
    const Stage from = completion.has(Stage::irq) ? Stage::irq : Stage::device_done;
    meter_.record(Metric::stage_block, engine_.now() - completion.when(from));
  }
  end_io(request, cpu);
}

void BlkMq::stamp_softirq(CompletionId id, CpuId cpu) {
  if (id == CompletionId::none) {
    return;
  }
  const SoftirqRun run = running(cpu);
  completions_.stamp(id, Stage::hardirq_entry, run.handler);
  completions_.stamp(id, Stage::softirq_raise, run.raised);
  completions_.stamp(id, Stage::softirq_entry, run.entered);
}

void BlkMq::block_action(CpuId cpu) {
  std::vector<Request>& list = running_[index(cpu)];
  list.clear();
  std::swap(list, done_[index(cpu)]);
  first_to_front(list, [this](const Request& r) { return first(r); });
  running_next_[index(cpu)] = 0;
  bool agents = false;
  for (const Request& request : list) {
    agents |= for_agent(request);
  }
  cpus_[index(cpu)]->charge(costs_.draw(Cost::softirq_block_fixed, agents));
  softirq_next(cpu);
}

void BlkMq::softirq_next(CpuId cpu) {
  const std::vector<Request>& list = running_[index(cpu)];
  if (running_next_[index(cpu)] == list.size()) {
    block_done(cpu);
    return;
  }
  const Request& request = list[running_next_[index(cpu)]];
  cpus_[index(cpu)]->run<&BlkMq::softirq_completed>(
      Context::softirq, costs_.draw(Cost::block_complete, for_agent(request)), *this, index(cpu));
}

void BlkMq::softirq_completed(std::uint64_t cpu) {
  const auto id = static_cast<CpuId>(cpu);
  const Request request = running_[cpu][running_next_[cpu]++];
  stamp_softirq(request.completion, id);
  finish(request, id);
  softirq_next(id);
}

}  // namespace models
