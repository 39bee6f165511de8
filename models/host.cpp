#include "models/host.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "models/agent.h"
#include "models/background.h"
#include "models/completion_pool.h"
#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "models/host_devices.h"
#include "models/host_groups.h"
#include "models/host_veth.h"
#include "models/io_uring.h"
#include "models/ipi.h"
#include "models/ksoftirqd.h"
#include "models/meter.h"
#include "models/nanosleep.h"
#include "models/policies/policies.h"
#include "models/sched.h"
#include "models/server.h"
#include "models/softirq.h"
#include "models/steal.h"
#include "models/tcp.h"
#include "models/timer.h"
#include "models/timer_target.h"
#include "sim/check.h"

namespace models {

namespace {

Metric softirq_metric(SoftirqVector vector) {
  switch (vector) {
    case SoftirqVector::net_rx:
      return Metric::softirq_net_rx;
    case SoftirqVector::block:
      return Metric::softirq_block;
    case SoftirqVector::timer:
      return Metric::softirq_timer;
    case SoftirqVector::sched:
      return Metric::softirq_sched;
    default:
      return Metric::softirq_rcu;
  }
}

std::string numbered(const std::string& name, int number) { return name + "-" + std::to_string(number); }

// Interrupt lines below belong to the platform.
constexpr int first_device_irq = 32;

void no_kick(QueueId) {}
bool always() { return true; }

}  // namespace

struct Host::Impl {
  Impl(const HostConfig& host_config, std::uint64_t seed, TraceRecorder* trace)
      : config{host_config},
        rng{seed},
        engine{512},
        costs{config.costs, rng},
        recorder{trace},
        vectors(static_cast<std::size_t>(config.topology.cpus), 0),
        managed_vectors(static_cast<std::size_t>(config.topology.cpus), 0) {
    build_cpus();
    connect_siblings();
    build_kernel();
    build_devices();
    build_policies();
    for (const AgentConfig& agent : config.agents) {
      build_agents(agent);
    }
    for (const BackgroundConfig& background : config.background) {
      build_background(background);
    }
    build_tracer();
    sched->add_stoppers();
    arm_observers();
    for (auto& cpu : cpus) {
      cpu->settle();
    }
  }

  // ---- CPU, softirq, timers ----
  void build_cpus() {
    tracepoints.attached.connect<&Impl::tracepoint>(*this);
    for (int i = 0; i < config.topology.cpus; ++i) {
      cpus.push_back(std::make_unique<Cpu>(engine, static_cast<CpuId>(i), config.topology, config.kernel,
                                           costs, tracepoints));
      Cpu& cpu = *cpus.back();
      softirqs.push_back(std::make_unique<Softirq>(engine, cpu, costs, tracepoints, config.kernel.hz));
      Softirq& softirq = *softirqs.back();
      softnets.push_back(
          std::make_unique<Softnet>(engine, cpu, config.kernel, costs, tracepoints, completions, meter));
      timers.push_back(std::make_unique<CpuTimers>(engine, cpu, softirq, config.kernel, config.topology.cpus,
                                                   costs, tracepoints, completions, rng));
      cpu.start_softirqs.connect<&Impl::start_softirqs>(*this);
      cpu.softirqs_pending.connect<&Impl::softirqs_pending>(*this);
      cpu.next_timer.connect<&Impl::next_timer>(*this);
      cpu.idle_changed.connect<&Impl::idle_changed>(*this);
      if (Steal::enabled(config.topology.steal)) {
        steals.push_back(std::make_unique<Steal>(engine, cpu, config.topology.steal, rng));
      }
      connect_actions(softirq, *softnets.back(), static_cast<CpuId>(i));
      timers.back()->expired.connect<&Impl::hrtimer_expired>(*this);
      timers.back()->soft_expired.connect<&Impl::pace_kick_expired>(*this);
      softirq.action[static_cast<std::size_t>(SoftirqVector::hrtimer)].connect<&CpuTimers::run_softirq>(
          *timers.back());
      block_ipis.push_back(std::make_unique<IpiReceiver>(engine, cpu, costs));
      block_ipis.back()->drain.connect<&Impl::raise_block>(*this);
      net_ipis.push_back(std::make_unique<IpiReceiver>(engine, cpu, costs));
      net_ipis.back()->drain.connect<&Impl::rx_softirq_ipi>(*this);
    }
  }

  // Hardware threads of a core, which slow each other down.
  void connect_siblings() {
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      const std::size_t core = i - i % static_cast<std::size_t>(config.topology.smt);
      for (std::size_t j = core; j < core + static_cast<std::size_t>(config.topology.smt); ++j) {
        if (i != j) {
          cpus[i]->add_sibling(*cpus[j]);
        }
      }
    }
  }

  void connect_actions(Softirq& softirq, Softnet& softnet, CpuId id) {
    const auto action = [&](SoftirqVector vector) -> sim::Port<void()>& {
      return softirq.action[static_cast<std::size_t>(vector)];
    };
    softirq.ran.connect<&Impl::softirq_ran>(*this);
    action(SoftirqVector::net_rx).connect<&Softnet::net_rx_action>(softnet);
    net_rx.push_back(std::make_unique<NetRx>(NetRx{softirq}));
    softnet.softirq.raise.connect<&NetRx::raise>(*net_rx.back());
    softnet.softirq.done.connect<&NetRx::done>(*net_rx.back());
    softnet.softirq.running.connect<&NetRx::running>(*net_rx.back());
    block_actions.push_back(std::make_unique<BlockAction>(BlockAction{*this, id}));
    action(SoftirqVector::block).connect<&BlockAction::run>(*block_actions.back());
    net_tx.push_back(std::make_unique<NetTx>(NetTx{softirq}));
    action(SoftirqVector::net_tx).connect<&NetTx::run>(*net_tx.back());
    for (const auto& [vector, cost] : {std::pair{SoftirqVector::timer, Cost::softirq_timer},
                                       std::pair{SoftirqVector::sched, Cost::softirq_sched},
                                       std::pair{SoftirqVector::rcu, Cost::softirq_rcu}}) {
      cost_actions.push_back(std::make_unique<CostAction>(CostAction{*this, id, cost}));
      action(vector).connect<&CostAction::run>(*cost_actions.back());
    }
  }

  // ---- scheduler, sockets, io_uring, system calls ----
  void build_kernel() {
    sched = std::make_unique<Sched>(engine, config.topology, config.kernel, costs, tracepoints, completions,
                                    meter, cpus, rng);
    groups.emplace(*sched, config.cgroups);
    for (auto& timer : timers) {
      timer->tick.connect<&Sched::tick>(*sched);
    }
    sched->raise_sched_softirq.connect<&Impl::raise_sched>(*this);
    nanosleep = std::make_unique<Nanosleep>(engine, *sched, costs, tracepoints, completions,
                                            config.kernel.timer_slack);
    nanosleep->arm.connect<&Impl::arm_sleeper>(*this);
    tcp = std::make_unique<Tcp>(engine, *sched, costs, tracepoints, completions, meter);
    tcp->backlog.connect<&Impl::to_backlog>(*this);
    tcp->veth_xmit.connect<&Impl::to_veth>(*this);
    tcp->nic_transmit.connect<&Impl::to_nic>(*this);
    tcp->start_pacing_timer.connect<&Impl::start_pacing_timer>(*this);
    tcp->agent_waits.connect<&Impl::agent_waits>(*this);
    tcp->defer_free.connect<&Impl::defer_free>(*this);
    for (auto& softnet : softnets) {
      softnet->deliver().connect<&Tcp::deliver>(*tcp);
    }
    io_uring = std::make_unique<IoUring>(engine, *sched, costs, tracepoints, completions, meter,
                                         config.kernel.release);
    io_uring->submit_bio.connect<&Impl::submit_bio>(*this);
    io_uring->resched_ipi.connect<&Impl::resched_ipi>(*this);
    io_uring->reached_user.connect<&Impl::read_reached_user>(*this);
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      SchedConfig bound;
      bound.cpus = {static_cast<int>(i)};
      Task& task = sched->add_task("ksoftirqd/" + std::to_string(i), Role::kernel, bound);
      ksoftirqds.push_back(std::make_unique<Ksoftirqd>(*sched, *cpus[i], *softirqs[i], meter, task));
    }
  }

  Task& add_task(const std::string& name, Role role, const SchedConfig& task_config) {
    return sched->add_task(name, role, task_config, groups->of(role, task_config));
  }

  Kernel kernel() { return Kernel{engine, *sched, costs, completions, meter, *nanosleep, *tcp, *io_uring}; }

  // ---- devices ----
  void build_devices() {
    for (const AnyDeviceConfig& device : config.devices) {
      nic_of_device.push_back(-1);
      veth_of_device.push_back(-1);
      blocks.push_back(BlockPort{});
      std::visit([this](const auto& each) { build_device(each); }, device);
    }
    connect_cables();
  }

  // A veth without GRO is the backlog of whoever sends.
  void build_device(const VethConfig& veth_config) {
    if (!veth_config.gro) {
      return;
    }
    veth_of_device.back() = static_cast<int>(veths.size());
    veths.push_back(std::make_unique<VethPort>());
    veths.back()->first_napi = static_cast<int>(napis.size());
    for (VethRq& rq : veths.back()->rqs) {
      rq.napi_schedule.connect<&Impl::napi_schedule>(*this);
      add_napi(rq.napi, veth_config.name, veth_config.threaded);
    }
  }

  void add_napi(Napi& napi, const std::string& device, bool threaded) {
    napis.push_back(&napi);
    napi_devices.push_back(device);
    napi.id = static_cast<int>(napis.size());
    if (threaded) {
      Task& task = sched->add_task("napi/" + numbered(device, napi.id), Role::kernel, SchedConfig{});
      napi_threads.push_back(std::make_unique<NapiThread>(*sched, softnets, config.kernel, costs, tracepoints,
                                                          completions, meter, task, napi));
      napi_threads.back()->deliver().connect<&Tcp::deliver>(*tcp);
    }
  }

  void build_device(const NicConfig& nic_config) {
    nic_of_device.back() = static_cast<int>(nics.size());
    nics.push_back(std::make_unique<NicPort>(engine, nic_config));
    NicPort& port = *nics.back();
    port.first_napi = static_cast<int>(napis.size());
    port.nic.cost.connect<&Impl::device_cost>(*this);
    port.nic.stamp.connect<&Impl::device_stamp>(*this);
    for (int q = 0; q < nic_config.queues; ++q) {
      const std::size_t cpu =
          nic_config.irq_cpus.empty()
              ? place_unmanaged_vector(vectors)
              : static_cast<std::size_t>(
                    nic_config.irq_cpus[static_cast<std::size_t>(q) % nic_config.irq_cpus.size()]);
      port.queues.push_back(std::make_unique<NicPort::Queue>(port, static_cast<QueueId>(q)));
      NicPort::Queue& queue = *port.queues.back();
      queue.softnet = softnets[cpu].get();
      queue.napi.poll.connect<&NicPort::Queue::poll>(queue);
      queue.napi.irq_enable.connect<&NicPort::Queue::irq_enable>(queue);
      queue.irq = std::make_unique<DeviceIrq>(engine, *cpus[cpu], costs, tracepoints, meter, next_vector(),
                                              Cost::nic_irq_handler);
      queue.irq->handled.connect<&NicPort::Queue::handled>(queue);
      const bool one_vector = nic_config.tx_interrupt == NicTxInterrupt::none;
      irq_names.push_back(nic_config.name + (one_vector ? "-TxRx-" : "-rx-") + std::to_string(q));
      add_napi(queue.napi, nic_config.name, nic_config.threaded);
    }
    build_tx_queue(port);
  }

  void build_tx_queue(NicPort& port) {
    const NicConfig& nic_config = port.nic.config();
    if (nic_config.tx_interrupt == NicTxInterrupt::none) {
      return;
    }
    const std::size_t cpu = nic_config.tx_irq_cpu < 0 ? place_unmanaged_vector(vectors)
                                                      : static_cast<std::size_t>(nic_config.tx_irq_cpu);
    port.tx = std::make_unique<NicPort::TxQueue>(port);
    NicPort::TxQueue& tx = *port.tx;
    tx.softnet = softnets[cpu].get();
    tx.softirq = softirqs[cpu].get();
    tx.napi.poll.connect<&NicPort::TxQueue::poll>(tx);
    tx.napi.irq_enable.connect<&NicPort::TxQueue::irq_enable>(tx);
    tx.irq = std::make_unique<DeviceIrq>(engine, *cpus[cpu], costs, tracepoints, meter, next_vector(),
                                         Cost::nic_irq_handler);
    tx.irq->handled.connect<&NicPort::TxQueue::handled>(tx);
    port.nic.tx_irq.connect<&NicPort::TxQueue::message>(tx);
    irq_names.push_back(nic_config.name + "-tx-0");
    if (nic_config.tx_interrupt == NicTxInterrupt::napi) {
      add_napi(tx.napi, nic_config.name, nic_config.threaded);
    }
  }

  NicPort* peer_of(const NicPort& port) {
    const std::string& peer = port.nic.config().peer;
    const int device = peer.empty() ? -1 : device_named(peer);
    const int nic = device < 0 ? -1 : nic_of_device[static_cast<std::size_t>(device)];
    return nic < 0 ? nullptr : nics[static_cast<std::size_t>(nic)].get();
  }

  void connect_cables() {
    for (auto& port : nics) {
      if (NicPort* peer = peer_of(*port)) {
        port->cable_out = std::make_unique<Cable>(engine, port->nic, peer->nic);
        peer->cable_in = port->cable_out.get();
      }
    }
  }

  void build_device(const NvmeConfig& nvme_config) {
    BlkMqConfig blk;
    blk.hw_queues = nvme_config.queues;
    blk.batches = !has_io_scheduler(nvme_config.scheduler, nvme_config.queues);
    auto device = std::make_unique<Nvme>(engine, nvme_config);
    BlkMq& mq = build_blk(*device, blk, nvme_config.queues);
    for (int q = 1; q <= nvme_config.queues; ++q) {  // nvme0q0 is the admin queue
      irq_names.push_back(nvme_config.name + "q" + std::to_string(q));
    }
    mq.kick.connect<&no_kick>();
    mq.kick_needed.connect<&always>();
    blocks.back().device = std::move(device);
  }

  void build_device(const VirtioBlkConfig& virtio_config) {
    BlkMqConfig blk;
    blk.hw_queues = virtio_config.num_queues;
    blk.batches = !has_io_scheduler(virtio_config.scheduler, virtio_config.num_queues);
    blk.irq_handler = Cost::virtio_blk_irq_handler;
    blk.reaps_in_handler = false;
    blk.doorbell = Cost::virtio_blk_kick;
    auto device = std::make_unique<VirtioBlk>(engine, virtio_config);
    BlkMq& mq = build_blk(*device, blk, virtio_config.num_queues);
    for (int q = 0; q < virtio_config.num_queues; ++q) {
      irq_names.push_back("virtio" + std::to_string(blocks.size() - 1) + "-req." + std::to_string(q));
    }
    mq.kick.connect<&VirtioBlk::kick>(*device);
    mq.kick_needed.connect<&VirtioBlk::kick_needed>(*device);
    blocks.back().device = std::move(device);
  }

  template <class Device>
  BlkMq& build_blk(Device& device, BlkMqConfig blk_config, int queues) {
    blk_config.llc_cpus = config.topology.llc_cpus == 0 ? config.topology.cpus : config.topology.llc_cpus;
    blk_config.first_vector = static_cast<VectorId>(first_device_irq + vectors_allotted);
    vectors_allotted += queues;
    blocks.back().blk = std::make_unique<BlkMq>(engine, blk_config, config.kernel, cpus, costs, tracepoints,
                                                completions, meter, managed_vectors);
    BlkMq& mq = *blocks.back().blk;
    device.cost.template connect<&Impl::device_cost>(*this);
    device.stamp.template connect<&Impl::device_stamp>(*this);
    device.irq.template connect<&BlkMq::interrupt>(mq);
    mq.queue_rq.connect<&Device::submit>(device);
    mq.reap.connect<&Device::reap>(device);
    mq.end_io.connect<&IoUring::end_io>(*io_uring);
    mq.raise_block.connect<&Impl::raise_block>(*this);
    mq.running.connect<&Impl::running_softirq>(*this);
    mq.block_done.connect<&Impl::block_done>(*this);
    mq.send_block_ipi.connect<&Impl::block_ipi>(*this);
    return mq;
  }

  VectorId next_vector() { return static_cast<VectorId>(first_device_irq + vectors_allotted++); }

  // ---- policies: each hook goes to the last policy that redefines it ----
  void build_policies() {
    policies.reserve(config.policies.size() + 1);
    policies.push_back(make_policy(*sched, PolicyConfig{}));
    for (const PolicyConfig& policy : config.policies) {
      policies.push_back(make_policy(*sched, policy));
    }
    for (AnyPolicy& policy : policies) {
      std::visit([this](auto& each) { connect_policy(each); }, policy);
    }
  }

  template <class Policy>
  void connect_policy(Policy& policy) {
    constexpr bool is_default = std::is_same_v<Policy, KernelDefault>;
    if constexpr (is_default || redefines(&KernelDefault::select_task_rq, &Policy::select_task_rq)) {
      sched->select_task_rq.connect<&Policy::select_task_rq>(policy);
    }
    if constexpr (is_default || redefines(&KernelDefault::poll_bounds, &Policy::poll_bounds)) {
      for (auto& softnet : softnets) {
        softnet->poll_bounds.template connect<&Policy::poll_bounds>(policy);
      }
    }
    if constexpr (is_default || redefines(&KernelDefault::completes_first, &Policy::completes_first)) {
      for (BlockPort& block : blocks) {
        if (block.blk) {
          block.blk->first.template connect<&Policy::completes_first>(policy);
        }
      }
    }
    if constexpr (std::is_same_v<Policy, Attribution>) {
      attribution = true;
    }
  }

  // ---- the workload ----
  int device_named(const std::string& name) const {
    for (std::size_t i = 0; i < config.devices.size(); ++i) {
      if (device_name(config.devices[i]) == name) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }

  void build_agents(const AgentConfig& agent_config) {
    for (int i = 0; i < agent_config.count; ++i) {
      Task& task = add_task(numbered(agent_config.name, i), Role::agent, agent_config.sched);
      task.latency_class = agent_config.latency_class;
      task.home_cpu = home_of(task, agent_config, i);
      const auto read_device = static_cast<DeviceId>(
          agent_config.read.device.empty() ? -1 : device_named(agent_config.read.device));
      agents.push_back(std::make_unique<Agent>(kernel(), agent_config, task,
                                               static_cast<std::int32_t>(agents.size()), read_device, rng));
      Agent& agent = *agents.back();
      agent_of_task.resize(sched->task_count(), nullptr);
      agent_of_task[index(task.id)] = &agent;
      if (!agent_config.tool.device.empty()) {
        connect_tool(agent, agent_config);
      }
      launch(task, then<&Agent::start>(agent));
    }
  }

  // The configured home, and for the agents after the first the next CPUs they may use; else one after
  // another.
  CpuId home_of(const Task& task, const AgentConfig& agent_config, int number) const {
    const int count = config.topology.cpus;
    int home = agent_config.home_cpu >= 0 ? agent_config.home_cpu : static_cast<int>(agents.size()) % count;
    const int steps = agent_config.home_cpu >= 0 ? number % task.nr_allowed : 0;
    for (int step = 0; !task.allowed.test(static_cast<std::size_t>(home)) || step < steps;) {
      step += task.allowed.test(static_cast<std::size_t>(home)) ? 1 : 0;
      home = (home + 1) % count;
    }
    return static_cast<CpuId>(home);
  }

  void connect_tool(Agent& agent, const AgentConfig& agent_config) {
    const int device = device_named(agent_config.tool.device);
    const int nic = nic_of_device[static_cast<std::size_t>(device)];
    if (nic < 0 || !nics[static_cast<std::size_t>(nic)]->nic.config().peer.empty()) {
      Task& server_task = add_task(agent.name() + "-server", Role::server, agent_config.server_sched);
      const FlowId client =
          connect_locally(agent.task(), agent_config.latency_class, server_task, LatencyClass::normal, device);
      const FlowId serving = tcp->socket(client).peer;
      agent.connect_socket(client);
      servers.push_back(std::make_unique<Server>(kernel(), agent, server_task, serving, rng));
      launch(server_task, then<&Server::start>(*servers.back()));
      return;
    }
    const FlowId flow = add_nic_socket(agent.task(), agent_config.latency_class, nic);
    agent.connect_socket(flow);
    remote_tools.resize(index(flow) + 1);
    remote_tools[index(flow)] = {&agent_config, nic};
    agent.remote_call.connect<&Impl::remote_call>(*this);
  }

  // Two tasks of this host, over a veth or from a NIC to its peer. The flow is of the agents' side.
  FlowId connect_locally(Task& agents_side, LatencyClass client_class, Task& servers_side,
                         LatencyClass server_class, int device) {
    const int nic = nic_of_device[static_cast<std::size_t>(device)];
    if (nic < 0) {
      const FlowId client = tcp->add_socket(agents_side, client_class, Transport::veth).flow;
      const FlowId serving = tcp->add_socket(servers_side, server_class, Transport::veth).flow;
      connect_over_veth(client, serving, device);
      return client;
    }
    const int peer_device = device_named(nics[static_cast<std::size_t>(nic)]->nic.config().peer);
    const int peer = nic_of_device[static_cast<std::size_t>(peer_device)];
    const FlowId client = add_nic_socket(agents_side, client_class, nic);
    const FlowId serving = add_nic_socket(servers_side, server_class, peer);
    tcp->socket(client).peer = serving;
    tcp->socket(serving).peer = client;
    return client;
  }

  void connect_over_veth(FlowId agents_side, FlowId servers_side, int device) {
    Socket& client = tcp->socket(agents_side);
    Socket& server = tcp->socket(servers_side);
    client.peer = servers_side;
    server.peer = agents_side;
    client.veth = server.veth = veth_of_device[static_cast<std::size_t>(device)];
    if (client.veth >= 0) {
      client.napi = veths[static_cast<std::size_t>(client.veth)]->first_napi;
      server.napi = client.napi + 1;
    }
  }

  FlowId add_nic_socket(Task& owner, LatencyClass latency_class, int nic) {
    Socket& socket = tcp->add_socket(owner, latency_class, Transport::nic);
    NicPort& port = *nics[static_cast<std::size_t>(nic)];
    socket.nic = nic;
    socket.tso = port.nic.config().tso;
    socket.napi = port.first_napi + static_cast<int>(index(port.nic.queue_of(socket.flow)));
    return socket.flow;
  }

  void build_background(const BackgroundConfig& background) {
    const auto device =
        static_cast<DeviceId>(background.device.empty() ? -1 : device_named(background.device));
    FlowId first_flow = FlowId::none;
    for (int i = 0; i < background.count; ++i) {
      Task& task = add_task(numbered(background.name, i), Role::background, background.sched);
      switch (background.kind) {
        case BackgroundKind::burst:
          bursts.push_back(std::make_unique<Burst>(kernel(), background, task, rng));
          compute_tasks.push_back(&task);
          launch(task, then<&Burst::start>(*bursts.back()));
          break;
        case BackgroundKind::hog:
          hogs.push_back(std::make_unique<Hog>(kernel(), task));
          compute_tasks.push_back(&task);
          launch(task, then<&Hog::start>(*hogs.back()));
          break;
        case BackgroundKind::writer:
          writers.push_back(std::make_unique<Writer>(kernel(), background, task, device, rng));
          launch(task, then<&Writer::start>(*writers.back()));
          break;
        case BackgroundKind::bulk:
          build_bulk(background, task, i);
          break;
        case BackgroundKind::flow: {
          const FlowId flow = add_nic_socket(task, LatencyClass::background, nic_of_device[index(device)]);
          first_flow = i == 0 ? flow : first_flow;
          sinks.push_back(std::make_unique<Sink>(kernel(), task, flow));
          launch(task, then<&Sink::start>(*sinks.back()));
          break;
        }
      }
    }
    if (background.kind == BackgroundKind::flow) {
      build_flow_source(background, first_flow, nic_of_device[index(device)]);
    }
  }

  void build_bulk(const BackgroundConfig& background, Task& sender_task, int number) {
    Task& sink_task = add_task(numbered(background.name + "-rx", number), Role::background, background.sched);
    const FlowId sink = connect_locally(sink_task, LatencyClass::background, sender_task,
                                        LatencyClass::background, device_named(background.device));
    const FlowId sender = tcp->socket(sink).peer;
    if (config.kernel.tcp_congestion_control == CongestionControl::bbr) {
      tcp->pace(tcp->socket(sender));
    }
    sinks.push_back(std::make_unique<Sink>(kernel(), sink_task, sink));
    launch(sink_task, then<&Sink::start>(*sinks.back()));
    senders.push_back(std::make_unique<Sender>(kernel(), background, sender_task, sender));
    launch(sender_task, then<&Sender::start>(*senders.back()));
  }

  void build_flow_source(const BackgroundConfig& background, FlowId first_flow, int nic) {
    FlowSourceConfig source;
    source.first_flow = first_flow;
    source.flows = background.count;
    source.rate = background.rate;
    Nic& device = nics[static_cast<std::size_t>(nic)]->nic;
    source.link_rate = device.config().link_rate;
    source.mss = device.config().mss;
    sources.push_back(std::make_unique<FlowSource>(engine, source, rng.stream(background.name + "/gaps")));
    sources.back()->burst.connect<&Nic::receive_burst>(device);
    sources.back()->start();
  }

  void build_tracer() {
    if (config.tracer.program == TracerProgram::none) {
      return;
    }
    Task& task = add_task("bpftrace", Role::tracer, SchedConfig{});
    tracer = std::make_unique<Tracer>(kernel(), tracepoints, config.tracer, task, rng);
    launch(task, then<&Tracer::start>(*tracer));
  }

  // Tasks start one after another, so that no two begin at the same instant.
  void launch(Task& task, const Work& first) {
    task.saved = first;
    engine.at<&Impl::start_task>(sim::SimTime{sim::Nanos{20'000 * (static_cast<std::int64_t>(task.id) + 1)}},
                                 *this, index(task.id));
  }
  void start_task(std::uint64_t number) {
    Task& task = sched->task(static_cast<TaskId>(number));
    sched->try_to_wake_up(task, task.cpu, {});
    sched->cpu(task.cpu).settle();  // nobody executes there who would notice
  }

  // ---- tracepoints ----
  void arm_observers() {
    if (attribution) {
      for (const Tracepoint point : Attribution::points) {
        tracepoints.arm(point);
        attributed |= std::uint32_t{1} << static_cast<unsigned>(point);
      }
    }
    if (recorder == nullptr) {
      return;
    }
    for (unsigned i = 0; i < static_cast<unsigned>(Tracepoint::agent_wakeup); ++i) {
      tracepoints.arm(static_cast<Tracepoint>(i));
    }
    if (recorder->options().agent_wakeups) {
      tracepoints.arm(Tracepoint::agent_wakeup);
    }
    if (recorder->options().wake_causes) {
      tracepoints.arm(Tracepoint::wake_cause);
    }
  }

  void tracepoint(Tracepoint point, CpuId id, std::int64_t a, std::int64_t b, std::int64_t c,
                  std::int64_t d) {
    Cpu& cpu = *cpus[index(id)];
    if (recorder != nullptr && meter.on()) {
      const Task* curr = sched->curr(id);
      TaskId current = curr == nullptr ? TaskId::none : curr->id;
      if (point == Tracepoint::sched_switch) {
        current = static_cast<TaskId>(a);
      }
      recorder->record(TraceRecord{engine.now(), a, b, c, current, id, point,
                                   static_cast<std::uint8_t>(cpu.context()), cpu.irqs_off(),
                                   cpu.need_resched(), d, cpu.in_softirq()});
    }
    if (tracer) {
      tracer->hit(point, id, a, b, c);
    }
    if ((attributed >> static_cast<unsigned>(point) & 1u) != 0) {
      cpu.charge(costs.draw(Cost::attribution_tracepoint));
    }
  }

  // ---- what crosses from one model to another ----
  void start_softirqs(CpuId id) { softirqs[index(id)]->start(); }
  bool softirqs_pending(CpuId id) { return softirqs[index(id)]->pending(); }
  sim::Nanos next_timer(CpuId id) { return timers[index(id)]->next_timer(); }
  void idle_changed(CpuId id, bool stop_tick) {
    timers[index(id)]->idle_changed(stop_tick);
    if (stop_tick) {
      sched->tick_stopped(id);
    }
  }
  void raise_sched(CpuId id) { softirqs[index(id)]->raise(SoftirqVector::sched); }
  void arm_sleeper(CpuId id, const Sleeper& sleeper) {
    const auto idle = [this](CpuId cpu) { return sched->idle_cpu(cpu); };
    const auto would_be_next = [&](CpuId cpu) { return timers[index(cpu)]->would_be_next(sleeper.hard); };
    const CpuId cpu = hrtimer_cpu(id, config.kernel.timer_migration, config.topology, idle, would_be_next);
    timers[index(cpu)]->arm(sleeper);
  }
  void hrtimer_expired(const Sleeper& sleeper, CpuId id) { nanosleep->expired(sleeper, id); }
  void start_pacing_timer(CpuId id, int pacing, sim::SimTime at) {
    timers[index(id)]->arm_soft({at, pace_kick, static_cast<std::uint64_t>(pacing)});
  }
  void pace_kick_expired(std::uint64_t pacing, CpuId id) { tcp->tcp_pace_kick(static_cast<int>(pacing), id); }
  bool to_backlog(CpuId id, const Packet& packet) { return softnets[index(id)]->enqueue_to_backlog(packet); }
  void to_veth(CpuId id, const Socket& to, const Packet& packet) {
    VethPort& port = *veths[static_cast<std::size_t>(to.veth)];
    port.rqs[static_cast<std::size_t>(to.napi - port.first_napi)].veth_xmit(id, packet);
  }
  void napi_schedule(CpuId id, Napi& napi) { softnets[index(id)]->napi_schedule(napi); }
  void to_nic(int nic, const Packet& packet) { nics[static_cast<std::size_t>(nic)]->transmit(packet); }
  void agent_waits(int napi, int change) { napis[static_cast<std::size_t>(napi)]->agent_waiters += change; }
  sim::Nanos device_cost(Cost cost) {
    const bool read = cost == Cost::nvme_read_4k || cost == Cost::virtio_blk_request;
    return costs.draw(cost, read);
  }
  void device_stamp(CompletionId id, Stage stage) { completions.stamp(id, stage, engine.now()); }
  SoftirqRun running_softirq(CpuId id) { return softirqs[index(id)]->running(); }
  void rx_softirq_ipi(CpuId id) { softnets[index(id)]->trigger_rx_softirq(); }
  void defer_free(CpuId here, CpuId allocated_on, int skbs) {
    if (softnets[index(allocated_on)]->skb_attempt_defer_free(skbs)) {
      net_ipis[index(allocated_on)]->send_call_function(*cpus[index(here)]);
    }
  }
  void raise_block(CpuId id) { softirqs[index(id)]->raise(SoftirqVector::block); }
  void block_done(CpuId id) { block_actions[index(id)]->step(); }
  void block_ipi(CpuId from, CpuId to) { block_ipis[index(to)]->send_call_function(*cpus[index(from)]); }
  void resched_ipi(CpuId from, CpuId to) { block_ipis[index(to)]->send_reschedule(*cpus[index(from)]); }
  sim::Nanos submit_bio(const Request& request, bool& accepted) {
    return blocks[index(request.device)].blk->submit(request, accepted);
  }
  void read_reached_user(const Completion& completion) {
    agent_of_task[index(completion.waiter)]->read_reached_user(completion);
  }
  void softirq_ran(SoftirqVector vector, sim::Nanos span) { meter.record(softirq_metric(vector), span); }
  void remote_call(FlowId flow, sim::Nanos service, CompletionId completion) {
    const RemoteTool& tool = remote_tools[index(flow)];
    RemoteCall call;
    call.flow = flow;
    call.reply_bytes = tool.agent->tool.reply;
    call.one_way = tool.agent->tool.one_way;
    call.service = service;
    call.completion = completion;
    call.latency_class = tool.agent->latency_class;
    nics[static_cast<std::size_t>(tool.nic)]->expect(call);
  }

  // ---- measuring ----
  std::int64_t drops() const {
    std::int64_t sum = 0;
    for (const auto& nic : nics) {
      sum += nic->drops();
    }
    for (const auto& veth : veths) {
      sum += veth->drops();
    }
    return sum;
  }
  std::int64_t compute_time() const {
    std::int64_t sum = 0;
    for (const Task* task : compute_tasks) {
      sum += task->se.sum_exec_runtime + task->rt.sum_exec_runtime;
    }
    return sum;
  }

  void start_measuring() {
    for (auto& cpu : cpus) {
      cpu->reset_accounting();
    }
    costs.reset_account();
    drops_before = drops();
    compute_before = compute_time();
    events_before = engine.executed();
    measured_from = engine.now();
    meter.start();
  }

  void finish() {
    Metrics& metrics = meter.metrics();
    for (auto& cpu : cpus) {
      cpu->account_now();
      const auto& time = cpu->accounted();
      constexpr std::array counters{
          Counter::cpu_user_ns,    Counter::cpu_system_ns, Counter::cpu_softirq_ns, Counter::cpu_ksoftirqd_ns,
          Counter::cpu_hardirq_ns, Counter::cpu_idle_ns,   Counter::cpu_other_ns};
      for (std::size_t i = 0; i < counters.size(); ++i) {
        metrics[counters[i]] += time[i];
      }
      metrics[Counter::interrupts_device] += cpu->interrupts()[0];
      metrics[Counter::interrupts_timer] += cpu->interrupts()[1];
      metrics[Counter::interrupts_ipi] += cpu->interrupts()[2];
    }
    metrics[Counter::rx_drops] += drops() - drops_before;
    metrics[Counter::background_cpu_ns] = compute_time() - compute_before;
    metrics.agent_cost_ns = costs.agent_ns();
    metrics.measured = engine.now() - measured_from;
    metrics.events = engine.executed() - events_before;
  }

  // NET_RX's side of the softirq core.
  struct NetRx {
    Softirq& core;
    void raise() { core.raise(SoftirqVector::net_rx); }
    void done() { core.done(); }
    SoftirqRun running() { return core.running(); }
  };
  // net_tx_action frees what drivers have sent; what freeing costs is left out.
  struct NetTx {
    Softirq& core;
    void run() { core.done(); }
  };
  // A softirq that is nothing but its cost, and SCHED's, which is the search for tasks to move.
  struct CostAction {
    Impl& host;
    CpuId cpu;
    Cost cost;
    void run() {
      host.cpus[index(cpu)]->run<&CostAction::done>(Context::softirq, host.costs.draw(cost), *this);
    }
    void done() {
      if (cost == Cost::softirq_sched) {
        host.sched->rebalance_domains(cpu);
      }
      host.softirqs[index(cpu)]->done();
    }
  };
  // blk_done_softirq serves every disk's list.
  struct BlockAction {
    Impl& host;
    CpuId cpu;
    std::size_t next = 0;
    void run() {
      next = 0;
      step();
    }
    void step() {
      while (next < host.blocks.size()) {
        BlkMq* blk = host.blocks[next++].blk.get();
        if (blk != nullptr && blk->has_done(cpu)) {
          blk->block_action(cpu);
          return;
        }
      }
      host.softirqs[index(cpu)]->done();
    }
  };
  struct RemoteTool {
    const AgentConfig* agent = nullptr;
    int nic = -1;
  };

  HostConfig config;
  sim::Rng rng;
  sim::Engine engine;
  CostSampler costs;
  Tracepoints tracepoints;
  CompletionPool completions;
  Meter meter;
  TraceRecorder* recorder;

  std::vector<std::unique_ptr<Cpu>> cpus;
  std::vector<std::unique_ptr<Steal>> steals;
  std::vector<std::unique_ptr<Softirq>> softirqs;
  std::vector<std::unique_ptr<NetRx>> net_rx;
  std::vector<std::unique_ptr<NetTx>> net_tx;
  std::vector<std::unique_ptr<BlockAction>> block_actions;
  std::vector<std::unique_ptr<CostAction>> cost_actions;
  std::vector<std::unique_ptr<Softnet>> softnets;
  std::vector<std::unique_ptr<CpuTimers>> timers;
  std::vector<std::unique_ptr<IpiReceiver>> block_ipis;
  std::vector<std::unique_ptr<IpiReceiver>> net_ipis;
  std::unique_ptr<Sched> sched;
  std::optional<HostGroups> groups;
  std::unique_ptr<Nanosleep> nanosleep;
  std::unique_ptr<Tcp> tcp;
  std::unique_ptr<IoUring> io_uring;
  std::vector<std::unique_ptr<Ksoftirqd>> ksoftirqds;

  std::vector<int> vectors;          // unmanaged vectors by CPU
  std::vector<int> managed_vectors;  // by CPU
  int vectors_allotted = 0;
  std::vector<std::string> irq_names;  // by vector allotted
  std::vector<int> nic_of_device;      // by device; -1: not a NIC
  std::vector<int> veth_of_device;     // by device; -1: not a veth with NAPIs
  std::vector<std::unique_ptr<NicPort>> nics;
  std::vector<std::unique_ptr<VethPort>> veths;
  std::vector<Napi*> napis;  // all but the backlogs; number 0 has id 1
  std::vector<std::string> napi_devices;
  std::vector<std::unique_ptr<NapiThread>> napi_threads;
  std::vector<BlockPort> blocks;  // by device; empty unless a disk

  std::vector<AnyPolicy> policies;
  bool attribution = false;
  std::uint32_t attributed = 0;

  std::vector<std::unique_ptr<Agent>> agents;
  std::vector<Agent*> agent_of_task;
  std::vector<std::unique_ptr<Server>> servers;
  std::vector<RemoteTool> remote_tools;  // by flow
  std::vector<std::unique_ptr<Burst>> bursts;
  std::vector<std::unique_ptr<Hog>> hogs;
  std::vector<std::unique_ptr<Writer>> writers;
  std::vector<std::unique_ptr<Sender>> senders;
  std::vector<std::unique_ptr<Sink>> sinks;
  std::vector<std::unique_ptr<FlowSource>> sources;
  std::vector<const Task*> compute_tasks;
  std::unique_ptr<Tracer> tracer;

  std::int64_t drops_before = 0;
  std::int64_t compute_before = 0;
  std::uint64_t events_before = 0;
  sim::SimTime measured_from{};
};

Host::Host(const HostConfig& config, std::uint64_t seed, TraceRecorder* recorder)
    : impl_{std::make_unique<Impl>(config, seed, recorder)} {}
Host::~Host() = default;

void Host::run(sim::Nanos warmup, sim::Nanos duration) {
  advance(sim::SimTime{warmup + duration}, warmup);
  finish();
}

void Host::advance(sim::SimTime until, sim::Nanos warmup) {
  const sim::SimTime measure_from{warmup};
  if (!impl_->meter.on() && until >= measure_from) {
    impl_->engine.run_until(measure_from);
    impl_->start_measuring();
  }
  impl_->engine.run_until(until);
}

void Host::finish() { impl_->finish(); }

sim::Port<void(const Completion&)>& Host::finished() { return impl_->meter.finished; }
sim::Port<void(const StepTimes&)>& Host::step_done() { return impl_->meter.step_done; }

const Metrics& Host::metrics() const { return impl_->meter.metrics(); }

std::uint64_t Host::events() const { return impl_->engine.executed(); }

std::string_view Host::task_name(TaskId id) const {
  return id == TaskId::none ? std::string_view{"swapper"} : std::string_view{impl_->sched->task(id).name};
}

int Host::task_count() const { return static_cast<int>(impl_->sched->task_count()); }

int Host::task_prio(TaskId id) const {
  if (id == TaskId::none) {
    return 120;
  }
  const Task& task = impl_->sched->task(id);
  return task.is_rt ? std::max(0, 99 - task.rt.rt_priority) : 120 + task.se.nice;  // stoppers print 0
}

int Host::cpu_count() const { return static_cast<int>(impl_->cpus.size()); }

int Host::cpuidle_state(int index) const {
  return impl_->config.topology.idle.front().state == IdleState::poll ? index : index + 1;
}

std::string Host::irq_name(int irq) const {
  const auto vector = static_cast<std::size_t>(irq - first_device_irq);
  return irq >= first_device_irq && vector < impl_->irq_names.size() ? impl_->irq_names[vector]
                                                                     : "vector" + std::to_string(irq);
}

std::string_view Host::napi_device(int napi) const {
  const auto number = static_cast<std::size_t>(napi - 1);
  return number < impl_->napi_devices.size() ? std::string_view{impl_->napi_devices[number]} : "(no_device)";
}

std::string_view Host::flow_device(FlowId flow) const {
  const int nic = impl_->tcp->socket(flow).nic;
  if (nic >= 0) {
    return impl_->nics[static_cast<std::size_t>(nic)]->nic.config().name;
  }
  for (const AnyDeviceConfig& device : impl_->config.devices) {
    if (const auto* veth = std::get_if<VethConfig>(&device)) {
      return veth->name;
    }
  }
  return "lo";
}

int Host::device_count() const { return static_cast<int>(impl_->config.devices.size()); }

std::uint32_t Host::device_number(DeviceId id) const {
  const auto virtio = [](const AnyDeviceConfig& device) {
    return std::holds_alternative<VirtioBlkConfig>(device);
  };
  const auto disk = [&](const AnyDeviceConfig& device) {
    return virtio(device) || std::holds_alternative<NvmeConfig>(device);
  };
  const auto& devices = impl_->config.devices;
  const auto self = devices.begin() + static_cast<std::ptrdiff_t>(id);
  const auto before =
      static_cast<std::uint32_t>(std::count_if(devices.begin(), self, [&](const auto& device) {
        return disk(device) && virtio(device) == virtio(*self);
      }));
  constexpr std::uint32_t partitions = 16;  // 1 << PART_BITS, drivers/block/virtio_blk.c
  return virtio(*self) ? 254u << 20 | before * partitions : 259u << 20 | before;
}

const std::vector<TracerRow>& Host::tracer_rows() const {
  static const std::vector<TracerRow> none;
  return impl_->tracer ? impl_->tracer->rows() : none;
}

std::string_view Host::task_role(TaskId id) const {
  switch (impl_->sched->task(id).role) {
    case Role::agent:
      return "agent";
    case Role::server:
      return "server";
    case Role::background:
      return "background";
    case Role::kernel:
      return "kernel";
    case Role::tracer:
      return "tracer";
  }
  return "unknown";
}

}  // namespace models
