#include "tools/live/workload_processes.h"

#include <sched.h>
#include <signal.h>

#include "scenarios/input_error.h"
#include "tests/tools/live/live_bench.h"
#include "tools/live/workload_sched.h"

using namespace tools::live;

namespace {

pid_t thread_named(const std::multimap<std::string, pid_t>& threads, const std::string& name) {
  const auto found = threads.find(name);
  return found == threads.end() ? -1 : found->second;
}

std::string autogroup_of(pid_t tid) {
  const std::string text = text_of("/proc/" + std::to_string(tid) + "/autogroup");
  return text.substr(0, text.find(' '));
}

}  // namespace

TEST_CASE("a workload leaves no process and no interface behind", "[live]") {
  if (!can_run_live()) {
    return;
  }
  const std::vector<std::string> before = interfaces();
  LiveBench bench;

  const WorkloadResult result = bench.run();

  CHECK(result.tasks.size() == 2);
  CHECK(nothing_is_left_below(::getpid()));
  CHECK(interfaces() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // nor one that is dead and not waited for
}

TEST_CASE("a killed chainsim takes its workload and the namespaces with it", "[live]") {
  if (!can_run_live()) {
    return;
  }
  const std::vector<std::string> before = interfaces();
  const pid_t chainsim = ::fork();
  if (chainsim == 0) {
    LiveBench bench;
    bench.options.steps_per_variant = 1'000'000;
    bench.run();
    ::_exit(0);
  }
  std::vector<Alive> workload;
  for (int look = 0; look < 1000; ++look) {
    workload = processes_below(chainsim);
    if (threads_of(workload).count("server-0") == 1) {
      break;
    }
    ::usleep(5000);
  }
  REQUIRE(workload.size() == 4);  // builder, session, agents, servers
  std::vector<std::string> networks;
  for (const Alive& each : workload) {
    networks.push_back(network_of(each.pid));
  }

  ::kill(chainsim, SIGKILL);
  ::waitpid(chainsim, nullptr, 0);

  for (int look = 0; look < 1000 && !still_alive(workload).empty(); ++look) {
    ::usleep(5000);
  }
  CHECK(still_alive(workload).empty());
  CHECK(interfaces() == before);
  const std::string own = network_of(::getpid());
  for (const Alive& each : all_processes()) {
    const std::string network = network_of(each.pid);
    CHECK((network == own || std::count(networks.begin(), networks.end(), network) == 0));
  }
}

TEST_CASE("each task has the place in the scheduler that the scenario gives it", "[live]") {
  if (!can_run_live()) {
    return;
  }
  LiveBench bench;
  bench.options.steps_per_variant = 1'000'000;
  bench.host.kernel.timer_slack = sim::Nanos{7000};
  bench.agent().sched = {.sched = models::SchedClass::fifo, .rt_priority = 50, .cpus = {0}};
  bench.agent().server_sched = {.nice = -10};
  bench.host.background = {{.name = "burst",
                            .kind = models::BackgroundKind::burst,
                            .sched = {.sched = models::SchedClass::batch, .nice = 5, .session = "other"},
                            .busy = sim::Distribution::constant(sim::Nanos{10'000}),
                            .sleep = sim::Distribution::constant(sim::Nanos{1'000'000})}};
  Running running{bench};

  const auto threads = running.threads({"agent-0", "server-0", "burst-0"});
  const pid_t agent = thread_named(threads, "agent-0");
  const pid_t server = thread_named(threads, "server-0");
  const pid_t burst = thread_named(threads, "burst-0");

  CHECK(sched_attributes(agent).policy == SCHED_FIFO);
  CHECK(sched_attributes(agent).priority == 50);
  CHECK(sched_attributes(server).nice == -10);
  CHECK(sched_attributes(burst).policy == SCHED_BATCH);
  CHECK(sched_attributes(burst).nice == 5);
  cpu_set_t cpus;
  CHECK(::sched_getaffinity(agent, sizeof cpus, &cpus) == 0);
  CHECK(CPU_COUNT(&cpus) == 1);
  CHECK(CPU_ISSET(0, &cpus));
  CHECK(text_of("/proc/" + std::to_string(server) + "/timerslack_ns") == "7000\n");
  if (std::filesystem::exists("/proc/self/autogroup")) {
    CHECK(autogroup_of(agent) == autogroup_of(server));
    CHECK(autogroup_of(agent) != autogroup_of(burst));
  }
  CHECK(running.end().interrupted);
}

TEST_CASE("a task's slice is the one that the scenario asks for", "[live]") {
  const std::string own = text_of("/proc/self/sched");
  if (!can_run_live() || own.find("se.slice") == std::string::npos) {
    std::cout << "skipped: this kernel does not show slices\n";
    return;
  }
  LiveBench bench;
  bench.options.steps_per_variant = 1'000'000;
  bench.agent().sched.slice = sim::Nanos{300'000};
  Running running{bench};

  const auto threads = running.threads({"agent-0", "server-0"});

  CHECK(sched_attributes(thread_named(threads, "agent-0")).runtime == 300'000);
  CHECK(sched_attributes(thread_named(threads, "server-0")).runtime != 300'000);
  running.end();
}

TEST_CASE("what the kernel declines is named, and nothing keeps running", "[live]") {
  if (!can_run_live()) {
    return;
  }
  LiveBench bench;
  SECTION("a CPU that is not there") {
    bench.agent().sched.cpus = {1023};
    CHECK_THROWS_WITH(bench.run(), Catch::Contains("affinity"));
  }
  SECTION("a cgroup that nobody made") {
    bench.agent().sched.cgroup = "missing";
    CHECK_THROWS_WITH(bench.run(), Catch::Contains("cgroup missing"));
  }
  SECTION("a data file that does not exist") {
    bench.agent().read = {.device = "disk"};
    bench.options.data_file = "/nowhere/data";
    CHECK_THROWS_WITH(bench.run(), Catch::Contains("/nowhere/data"));
  }
  SECTION("a name too long for an interface") {
    bench.host.devices = {models::VethConfig{.name = "sixteen_letters_"}};
    bench.agent().tool.device = "sixteen_letters_";
    CHECK_THROWS_WITH(bench.run(), Catch::Contains("15 bytes"));
  }
  CHECK(nothing_is_left_below(::getpid()));
}

TEST_CASE("a workload that loses a process is an error, and the rest of it ends", "[live]") {
  if (!can_run_live()) {
    return;
  }
  LiveBench bench;
  bench.options.steps_per_variant = 1'000'000;
  Running running{bench};
  const auto threads = running.threads({"agent-0", "server-0"});

  ::kill(thread_named(threads, "server-0"), SIGKILL);

  CHECK_THROWS_WITH(running.finish(), Catch::Contains("died by signal 9"));
  CHECK(nothing_is_left_below(::getpid()));
}
