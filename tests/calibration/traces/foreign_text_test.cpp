#include "calibration/traces/foreign_text.h"

#include <catch2/catch.hpp>

using namespace calibration;

namespace {

std::string_view kind(std::string_view line) { return recognise_foreign_text(line).kind; }

}  // namespace

TEST_CASE("each tool's output is called by its name", "[foreign_text]") {
  CHECK(kind("TIMEus DELTAus") == "rows of a time and a latency (trace2heatmap's input)");
  CHECK(kind("TIME(s)            T  BYTES    LAT(ms)") ==
        "rows of biosnoop or another tool that prints latencies");
  CHECK(kind("TIME     STAGE                SOFTIRQ  LAT(us)        CPU    COMM") ==
        "rows of softirqslower or another tool that prints latencies");
  CHECK(kind("PID     COMM             LADDR           LPORT RADDR           RPORT MS") ==
        "rows of tcppktlat, latencies of TCP packets");
  CHECK(kind("TIME     PCOMM  PPID             COMM   PID              SECONDS") ==
        "rows of naptime, sleeps by task");
  CHECK(kind("SYSCALL             COUNT") == "syscount's table of system calls");
  CHECK(kind("PID      TID      KVM_EXIT_REASON                     COUNT") == "kvmexit's table of exits");
  CHECK(kind(" QueueID    avg_size   [0, 64)   [64, 512)") == "netqtop's table of packet sizes");
  CHECK(kind("        Driver   Device    VQ Name  In SGs Out SGs") == "virtiostat's table of virtqueues");
  CHECK(kind("Wakeup Latencies percentiles (usec) runtime 100 (s) (1698990 total samples)") ==
        "schbench's summary");
  CHECK(kind(" Performance counter stats for 'sleep 1':") == "perf stat's counters");
  CHECK(kind("  Task                  |   Runtime ms  | Switches | Avg delay ms") ==
        "perf sched latency's table");
  CHECK(kind("S:12f1a2:0:0:0:8") == "schedviz's own rows of switches, in hexadecimal");
  CHECK(kind("T: 0 ( 3431) P:99 I:1000 C: 100000 Min:      5 Act:   10 Avg:   14 Max:     39242") ==
        "cyclictest's summary");
}

TEST_CASE("function_graph text is told from trace events", "[foreign_text]") {
  constexpr std::string_view graph = "function_graph text of ftrace, which has calls and no tracepoints";
  CHECK(kind(" 0)               |  do_nanosleep() {") == graph);
  CHECK(kind(" 0)   0.198 us    |          _raw_spin_lock_irqsave();") == graph);
  CHECK(kind(" 0) ! 8147.120 us |  } /* ext3_readpages */") == graph);
  CHECK(kind("2678112.003180 |   0)  cksum-26695   | ! 8145.268 us |  } /* ext3_readpages */") == graph);
  CHECK(kind("  supervise-1692  [001] d... 7269912.982162: block_rq_issue: 202,1 W 0 () 1 + 8 [supervise]") ==
        "trace text of ftrace or perf");
}

TEST_CASE("trace text whose CPUs were cut out is told from markup", "[foreign_text]") {
  CHECK(kind("<idle>-0  6.594695: irq_handler_entry: irq=87 name=em2-rx-2") ==
        "trace text without its CPU column");
  CHECK(kind("<!DOCTYPE html>") == "JSON or markup");
}

TEST_CASE("tables with commas and saved settings are no captures", "[foreign_text]") {
  CHECK(kind("latency_us,thread0_count,thread1_count") == "counts in a table with commas");
  CHECK(kind("kernel_state,variant,p50_us,x_p50") == "percentiles in a table with commas");
  CHECK(kind("rev,load_qps,run") == "a table with commas");
  CHECK(kind("agent,start_ns,timer_late_ns") == "a table with commas");
  CHECK(kind("Then, of course, it is a sentence").empty());
  CHECK(kind("CONFIG_HZ_250=y") == "saved settings of a machine");
  CHECK(kind(" 25:         99          0  PCI-MSIX-0000:00:07.0   1-edge      virtio2-req.0") ==
        "saved settings of a machine");
}

TEST_CASE("every line gets a suggestion", "[foreign_text]") {
  for (const std::string_view line :
       {"", " ", "@x: 5", "nothing known", "SYSCALL             COUNT", "{", "[", ")", "|"}) {
    CHECK_FALSE(recognise_foreign_text(line).suggestion.empty());
  }
}
