#include "tools/live/workload_counters.h"

#include <catch2/catch.hpp>

using namespace tools::live;

TEST_CASE("CPU times are those of all CPUs together, in nanoseconds", "[live]") {
  // user nice system idle iowait irq softirq steal guest guest_nice, in ticks of 10 ms
  const CpuTimes times = parse_cpu_times("cpu  100 20 30 400 5 6 7 8 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n");

  CHECK(times.user == 1'200'000'000);
  CHECK(times.system == 300'000'000);
  CHECK(times.idle == 4'050'000'000);
  CHECK(times.hardirq == 60'000'000);
  CHECK(times.softirq == 70'000'000);
  CHECK(times.steal == 80'000'000);
  CHECK(times.total() == 5'760'000'000);
}

TEST_CASE("interrupts are told apart by who raises them", "[live]") {
  SystemCounters counters;
  parse_interrupts(
      "            CPU0       CPU1       \n"
      "  8:          0          3   IO-APIC   8-edge      rtc0\n"
      " 36:       1000         20  PCI-MSI-0000:00:03.0   1-edge      virtio1-req.0\n"
      "NMI:          7          7   Non-maskable interrupts\n"
      "LOC:        500        600   Local timer interrupts\n"
      "RES:         10         20   Rescheduling interrupts\n"
      "CAL:          1          2   Function call interrupts\n"
      "ERR:          9\n",
      counters);

  CHECK(counters.interrupts_device == 1023);
  CHECK(counters.interrupts_timer == 1100);
  CHECK(counters.interrupts_ipi == 33);
  CHECK(counters.device_lines.at("virtio1-req.0") == 1020);
}

TEST_CASE("softnet_stat is hexadecimal, a line for each CPU", "[live]") {
  SystemCounters counters;
  parse_softnet("000000ff 00000002 0000000a 00000000\n00000010 00000001 00000001 00000000\n", counters);

  CHECK(counters.rx_drops == 3);
  CHECK(counters.time_squeeze == 11);
}

TEST_CASE("softirqs are summed over CPUs by their names", "[live]") {
  SystemCounters counters;
  parse_softirqs(
      "                    CPU0       CPU1\n          HI:          1          2\n      NET_RX:        10     "
      "    30\n",
      counters);

  CHECK(counters.softirqs.at("HI") == 3);
  CHECK(counters.softirqs.at("NET_RX") == 40);
}

TEST_CASE("a count that one reading lacks is not known in the difference", "[live]") {
  SystemCounters before;
  SystemCounters after;
  before.context_switches = parse_context_switches("cpu 1\nctxt 100\nbtime 5\n");
  after.context_switches = parse_context_switches("ctxt 175\n");
  after.time_squeeze = 5;
  before.softirqs["TIMER"] = 10;
  after.softirqs["TIMER"] = 14;

  const SystemCounters difference = after - before;

  CHECK(difference.context_switches == 75);
  CHECK(difference.time_squeeze == -1);
  CHECK(difference.softirqs.at("TIMER") == 4);
}

TEST_CASE("two readings of this machine differ by what happened in between", "[live]") {
  const SystemCounters before = read_counters();
  std::int64_t waited = 0;
  SystemCounters after = read_counters();
  for (; after.cpu.total() == before.cpu.total() && waited < 1'000'000; ++waited) {
    after = read_counters();
  }

  const SystemCounters difference = after - before;

  CHECK(difference.cpu.total() > 0);
  CHECK(difference.context_switches >= 0);
  CHECK(difference.interrupts_timer >= 0);
}
