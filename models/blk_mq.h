// blk-mq for one block device: software context to hardware queue, and completion on the right CPU.
//
//   submit() ─► hctx of the CPU ─► device                    device's irq ─► reap every CQE ─► end_io
//                                                              ├─ here, in hardirq, as a batch (multi-queue)
//                                                              ├─ here, in BLOCK softirq (single queue)
//                                                              └─ on the submitter's CPU: IPI + BLOCK softirq
//
// Models:   block/blk-mq.c:blk_mq_map_queues, blk_mq_complete_request_remote (rq_affinity 0, 1, 2),
//           blk_done_softirq, blk_mq_add_to_batch, blk_mq_end_request_batch (what is completed here ends
//           once everything is reaped: in 6.12 last come first ended, in 6.18 in CQ order; a request with
//           an I/O scheduler's tag is never batched, and ends before the next one is reaped);
//           drivers/nvme/host/pci.c:nvme_irq (reaps all, no budget); kernel/irq/affinity.c and matrix.c:
//           managed vectors spread over all CPUs, the effective CPU being the one of the mask with fewest
//           managed vectors, ties to the highest number.
// Left out: errors, which keep a request out of the batch too; what an I/O scheduler does to the order of
//           requests that the device cannot take at once, and its cost (which is in block_submit);
//           merging, plugging (io_uring plugs above two SQEs), tags beyond the device's queue depth,
//           throttling, poll queues, threaded interrupts.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/completion_pool.h"
#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "models/irq.h"
#include "models/kernel_config.h"
#include "models/meter.h"
#include "models/request.h"
#include "models/softirq.h"
#include "models/tracepoints.h"

namespace models {

struct BlkMqConfig {
  int hw_queues = 1;
  int llc_cpus = 0;  // CPUs per LLC
  Cost irq_handler = Cost::nvme_irq_handler;
  Cost per_completion = Cost::nvme_cqe_reap;
  bool batches = true;                  // no I/O scheduler
  bool reaps_in_handler = true;         // false: the handler's cost covers it (virtio)
  Cost doorbell = Cost::nvme_doorbell;  // telling the device; paid only if it has to be told
  VectorId first_vector = VectorId{0};
};

class BlkMq {
 public:
  // `managed` counts each CPU's managed vectors, host-wide; the device adds its own.
  BlkMq(sim::Engine& engine, const BlkMqConfig& config, const KernelConfig& kernel,
        std::vector<std::unique_ptr<Cpu>>& cpus, CostSampler& costs, const Tracepoints& tracepoints,
        CompletionPool& completions, Meter& meter, std::vector<int>& managed);
  BlkMq(const BlkMq&) = delete;
  BlkMq& operator=(const BlkMq&) = delete;

  sim::Port<bool(QueueId, const Request&)> queue_rq;  // out: to the device; false: it is full
  sim::Port<void(QueueId)> kick;                      // out: the doorbell
  sim::Port<bool()> kick_needed;                      // out: whether the submitter pays for it
  sim::Port<bool(QueueId, Request&)> reap;            // out: the device's next completion
  sim::Port<void(const Request&, CpuId)> end_io;      // out: bio_endio
  sim::Port<void(CpuId)> raise_block;                 // out: raise_softirq(BLOCK) on that CPU
  sim::Port<SoftirqRun(CpuId)> running;               // out: the BLOCK softirq's run there
  sim::Port<void(CpuId)> block_done;                  // out: the BLOCK action is over
  sim::Port<void(CpuId, CpuId)> send_block_ipi;       // out: (from, to) remote completion
  sim::Port<bool(const Request&)> first;              // out: the policy: completes before its batch

  // in: blk_mq_submit_bio on the submitter's CPU; returns what telling the device cost.
  // A full device counts a rejection and `accepted` is false.
  sim::Nanos submit(Request request, bool& accepted);
  void interrupt(QueueId queue) { queues_[index(queue)]->irq->message(); }  // in: the device's message
  bool has_done(CpuId cpu) const { return !done_[index(cpu)].empty(); }
  void block_action(CpuId cpu);  // in: blk_done_softirq; calls block_done

  CpuId effective_cpu(QueueId queue) { return queues_[index(queue)]->irq->cpu().id(); }

 private:
  struct Queue {
    BlkMq& blk;
    QueueId id;
    std::unique_ptr<DeviceIrq> irq;
    Request reaping;             // the CQE the running handler is at
    std::vector<Request> batch;  // io_comp_batch: reaped by it, to be ended here
    std::size_t next = 0;
    bool drained = false;  // the handler has reaped all there was
    bool served_agent = false;
    void handled() { blk.handled(*this); }
    void reaped() { blk.reaped(*this); }
    void ended() { blk.ended(*this); }
  };

  int hctx_of(CpuId cpu) const;
  void handled(Queue& queue);
  void reap_next(Queue& queue);
  void reaped(Queue& queue);
  bool ends_at_once(Queue& queue);
  bool completes_in_hardirq(const Queue& queue, const Request& request) const;
  void order_batch(std::vector<Request>& batch) const;
  void end_next(Queue& queue);
  void ended(Queue& queue);
  void pass_on(const Request& request, CpuId here);
  bool redirect(const Request& request, CpuId here) const;
  void finish(const Request& request, CpuId cpu);
  void stamp_softirq(CompletionId id, CpuId cpu);
  void softirq_next(CpuId cpu);
  void softirq_completed(std::uint64_t cpu);
  static bool for_agent(const Request& request) { return request.completion != CompletionId::none; }

  sim::Engine& engine_;
  BlkMqConfig config_;
  int rq_affinity_;
  bool batch_in_cq_order_;  // 6.18
  std::vector<std::unique_ptr<Cpu>>& cpus_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  Meter& meter_;
  std::vector<std::unique_ptr<Queue>> queues_;
  std::vector<std::vector<Request>> done_;     // blk_cpu_done, by CPU
  std::vector<std::vector<Request>> running_;  // the BLOCK action's list, by CPU
  std::vector<std::size_t> running_next_;
};

}  // namespace models
