#include "tools/live/workload_builder.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "tools/live/agent_thread.h"
#include "tools/live/background_thread.h"
#include "tools/live/server_thread.h"
#include "tools/live/workload_sched.h"

namespace tools::live {
namespace {

class Builder {
 public:
  Builder(const WorkloadPlan& plan, const ProcessesConfig& config, Recorder& recorder, BuiltPairs& pairs)
      : plan_{plan}, config_{config}, recorder_{recorder}, pairs_{pairs} {}

  [[noreturn]] void run(pid_t chainsim) {
    die_with(chainsim);
    guarded([&] { build(); });
    wait_for_children("a session");
  }

 private:
  template <class Body>
  void guarded(Body&& body) {
    try {
      body();
    } catch (const std::exception& error) {
      recorder_.fail(error.what());
      sleep_forever();
    }
  }

  [[noreturn]] static void sleep_forever() {
    for (;;) {
      ::pause();
    }
  }

  static void die_with(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
      ::_exit(1);
    }
    ::signal(SIGINT, SIG_IGN);  // chainsim's to hear
    ::signal(SIGTERM, SIG_DFL);
  }

  void build() {
    ::prctl(PR_SET_NAME, "live-builder");
    Namespaces namespaces{config_.pairs, config_.congestion_control};
    for (std::size_t i = 0; i < config_.pairs.size(); ++i) {
      pairs_.agents[i] = namespaces.agents_end(i);
      pairs_.servers[i] = namespaces.servers_end(i);
    }
    for (const PlannedConnection& connection : plan_.connections) {
      const auto pair = std::find_if(config_.pairs.begin(), config_.pairs.end(),
                                     [&](const PairConfig& each) { return each.name == connection.device; });
      connections_.push_back(
          namespaces.connect(static_cast<std::size_t>(pair - config_.pairs.begin()), connection.bulk));
    }
    namespaces_ = &namespaces;
    open_data();
    std::vector<std::string> sessions;
    for (const PlannedProcess& process : plan_.processes) {
      if (std::find(sessions.begin(), sessions.end(), process.session) == sessions.end()) {
        sessions.push_back(process.session);
        fork_into([&] { lead(process.session); });
      }
    }
  }

  void open_data() {
    if (config_.data_file.empty()) {
      return;
    }
    file_ = ::open(config_.data_file.c_str(), (plan_.writes ? O_RDWR : O_RDONLY) | O_DIRECT | O_CLOEXEC);
    struct stat status {};
    if (file_ < 0 || ::fstat(file_, &status) != 0) {
      throw std::runtime_error{config_.data_file + ": " + std::strerror(errno)};
    }
    file_bytes_ = static_cast<std::uint64_t>(status.st_size);
    if (S_ISBLK(status.st_mode) && ::ioctl(file_, BLKGETSIZE64, &file_bytes_) != 0) {
      throw std::runtime_error{config_.data_file + ": " + std::strerror(errno)};
    }
  }

  template <class Body>
  void fork_into(Body&& body) {
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) {
      throw std::runtime_error{std::string{"a process (fork): "} + std::strerror(errno)};
    }
    if (child == 0) {
      die_with(parent);
      guarded(body);
      ::_exit(0);
    }
    Control& control = recorder_.control();
    const std::uint32_t slot = control.processes.fetch_add(1);
    if (slot >= Control::most_processes) {
      throw std::runtime_error{"more than " + std::to_string(Control::most_processes) + " processes"};
    }
    control.pids[slot].store(child);
  }

  void lead(const std::string& session) {
    ::prctl(PR_SET_NAME, "live-session");
    if (::setsid() < 0) {
      throw std::runtime_error{std::string{"a session (setsid): "} + std::strerror(errno)};
    }
    for (const PlannedProcess& process : plan_.processes) {
      if (process.session == session) {
        fork_into([&] { run_process(process); });
      }
    }
    wait_for_children("a process of the workload");
  }

  // Whoever is not to be killed waits until all its children are; one that ends before is an error.
  [[noreturn]] void wait_for_children(const char* what) {
    int status = 0;
    while (::waitpid(-1, &status, 0) > 0 || errno == EINTR) {
      if (recorder_.control().stopping.load() == 0) {
        recorder_.fail(std::string{what} + " died" +
                       (WIFSIGNALED(status) ? " by signal " + std::to_string(WTERMSIG(status)) : ""));
      }
    }
    ::_exit(0);
  }

  void run_process(const PlannedProcess& process) {
    ::prctl(PR_SET_NAME, process.name.c_str());
    join_cgroup(process.cgroup);
    const TaskKind kind = plan_.tasks[process.tasks.front()].kind;
    if (kind == TaskKind::server || kind == TaskKind::bulk_tx) {
      namespaces_->enter_servers();
    } else {
      namespaces_->enter_agents();
    }
    for (const std::size_t task : process.tasks) {
      std::thread{[this, task] { guarded([&] { run_thread(task); }); }}.detach();
    }
    sleep_forever();
  }

  void join_cgroup(const std::string& cgroup) {
    if (cgroup.empty()) {
      return;
    }
    const auto found = std::find_if(config_.cgroup_files.begin(), config_.cgroup_files.end(),
                                    [&](const auto& each) { return each.first == cgroup; });
    const int file =
        found == config_.cgroup_files.end() ? -1 : ::open(found->second.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0 || ::write(file, "0", 1) != 1) {
      throw std::runtime_error{"joining the cgroup " + cgroup + ": " + std::strerror(errno)};
    }
    ::close(file);
  }

  void run_thread(std::size_t index) {
    const PlannedTask& task = plan_.tasks[index];
    TaskSlot& slot = recorder_.task(index);
    apply_sched(*task.sched, config_.timer_slack);
    ::prctl(PR_SET_NAME, task.name.c_str());  // whoever sees the name may rely on the rest
    slot.pid.store(::getpid());
    slot.tid.store(static_cast<std::int32_t>(::syscall(SYS_gettid)));
    const ThreadContext context{.recorder = recorder_,
                                .plan = task,
                                .slot = slot,
                                .seed = config_.seed,
                                .turn_ns = config_.turn_ns,
                                .socket = socket_of(task),
                                .file = file_,
                                .file_bytes = file_bytes_};
    switch (task.kind) {
      case TaskKind::agent:
        run_agent(context);
      case TaskKind::server:
        run_server(context);
      default:
        run_background(context);
    }
  }

  int socket_of(const PlannedTask& task) const {
    if (task.connection < 0) {
      return -1;
    }
    const ConnectedPair& ends = connections_[static_cast<std::size_t>(task.connection)];
    return task.kind == TaskKind::server || task.kind == TaskKind::bulk_tx ? ends.servers : ends.agents;
  }

  const WorkloadPlan& plan_;
  const ProcessesConfig& config_;
  Recorder& recorder_;
  BuiltPairs& pairs_;
  const Namespaces* namespaces_ = nullptr;
  std::vector<ConnectedPair> connections_;
  int file_ = -1;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace

void run_builder(pid_t chainsim, const WorkloadPlan& plan, const ProcessesConfig& config, Recorder& recorder,
                 BuiltPairs& pairs) {
  Builder{plan, config, recorder, pairs}.run(chainsim);
}

}  // namespace tools::live
