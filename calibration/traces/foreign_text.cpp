#include "calibration/traces/foreign_text.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace calibration {
namespace {

constexpr std::string_view run_the_five =
    "run the programs in calibration/bpftrace, for example 'bpftrace softirq.bt > n4.softirq.txt'";
constexpr std::string_view lost_rows =
    "a histogram has lost the rows it was made of; capture them one a line";
constexpr std::string_view record_events =
    "it tells one duration of each row, not who waited for whom; record the kernel's tracepoints instead, "
    "with "
    "'chainsim capture' or 'trace-cmd record -e irq -e napi -e sched -e block'";
constexpr std::string_view counts_only =
    "counts tell no durations; record the kernel's tracepoints instead, with 'chainsim capture'";
constexpr std::string_view summary_only =
    "a summary has lost the events it was made of; record the kernel's tracepoints, with 'chainsim capture'";

bool contains(std::string_view line, std::string_view part) {
  return line.find(part) != std::string_view::npos;
}

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// "     task-1234  [001] d.h1.  7302.861119: irq_handler_entry: irq=36 name=virtio1-req.0"
bool is_trace_event(std::string_view line) {
  const auto cpu = line.find('[');
  if (cpu == std::string_view::npos || cpu + 4 >= line.size() || line[cpu + 4] != ']') {
    return false;
  }
  const std::string_view number = line.substr(cpu + 1, 3);
  return std::all_of(number.begin(), number.end(), is_digit) && contains(line.substr(cpu), ": ");
}

bool is_program_text(std::string_view line) {
  return line.starts_with("tracepoint:") || line.starts_with("kprobe:") || line.starts_with("#!") ||
         line.starts_with("bpftrace ") || line.starts_with("BEGIN") || line.starts_with("#include");
}

// " 0)   0.198 us    |          _raw_spin_lock_irqsave();", " 0) ! 8147.120 us |  } /* ext3_readpages */",
// with times "2678112.003180 |   0)  cksum-26695   | ! 8145.268 us |  } ..."
bool is_function_graph(std::string_view line) {
  const auto cpu = line.find(") ");
  const auto bar = line.rfind(" |");
  return cpu != std::string_view::npos && cpu > 0 && is_digit(line[cpu - 1]) &&
         bar != std::string_view::npos && cpu < bar &&
         (line.ends_with('{') || line.ends_with(';') || contains(line.substr(bar), "}"));
}

// "CONFIG_HZ_250=y", " 36:  1  2  PCI-MSIX-0000:00:03.0  1-edge  virtio1-req.0", "PLACE_LAG NO_HRTICK"
bool is_machine_settings(std::string_view line) {
  return line.starts_with("CONFIG_") || line.starts_with("# CONFIG_") || contains(line, " PCI-MSI") ||
         contains(line, "IO-APIC") || line.starts_with("/proc/") || contains(line, "PLACE_LAG") ||
         line.starts_with("# Automatically generated file; DO NOT EDIT");
}

// "NAME,NAME,NAME": commas without blanks after them, and no sentence.
bool is_comma_header(std::string_view line) {
  return std::count(line.begin(), line.end(), ',') >= 1 && !contains(line, " ") && !contains(line, "=") &&
         !line.empty() && std::isalpha(static_cast<unsigned char>(line.front())) != 0;
}

// A table is known by its heading.
struct Heading {
  std::string_view part;  // occurs in the line
  ForeignText text;
};
constexpr std::array headings{
    Heading{"TIMEus DELTAus", {"rows of a time and a latency (trace2heatmap's input)", record_events}},
    Heading{"LAT(ms)", {"rows of biosnoop or another tool that prints latencies", record_events}},
    Heading{"LAT(us)", {"rows of softirqslower or another tool that prints latencies", record_events}},
    Heading{"RPORT MS", {"rows of tcppktlat, latencies of TCP packets", record_events}},
    Heading{"PCOMM  PPID", {"rows of naptime, sleeps by task", record_events}},
    Heading{"SYSCALL             COUNT", {"syscount's table of system calls", counts_only}},
    Heading{"KVM_EXIT_REASON", {"kvmexit's table of exits", counts_only}},
    Heading{"QueueID", {"netqtop's table of packet sizes", counts_only}},
    Heading{"VQ Name", {"virtiostat's table of virtqueues", counts_only}},
    Heading{"Latencies percentiles (usec)", {"schbench's summary", summary_only}},
    Heading{"Performance counter stats for", {"perf stat's counters", counts_only}},
    Heading{"Runtime ms  | ", {"perf sched latency's table", summary_only}},
    Heading{"sch delay",
            {"perf sched timehist's rows", "export the events: 'perf sched script' or 'perf script'"}},
    Heading{"Children      Self", {"perf report's table", summary_only}},
    Heading{"RTLA", {"a summary of rtla", summary_only}},
};

bool is_schedviz_row(
    std::string_view line) {  // "S:12f1a2:0:0:0:8", "P:12dbd9:0:78:swapper/0", "ST:0:cc6b0587"
  return (line.starts_with("S:") || line.starts_with("P:") || line.starts_with("ST:")) &&
         std::count(line.begin(), line.end(), ':') >= 2 && !contains(line, " ");
}

}  // namespace

ForeignText recognise_foreign_text(std::string_view line) {
  const bool no_cpu = line.starts_with("<idle>-") || line.starts_with("<...>-");
  if (is_trace_event(line) || line.starts_with("# tracer:") || line.starts_with("cpus=")) {
    return {"trace text of ftrace or perf", run_the_five};
  }
  if (no_cpu && contains(line, ": ")) {
    return {"trace text without its CPU column",
            "events must tell their CPU; export again, without cutting columns out"};
  }
  if (is_function_graph(line)) {
    return {"function_graph text of ftrace, which has calls and no tracepoints", record_events};
  }
  if (contains(line, "|@") || (contains(line, "|*") && contains(line, "->")) ||
      (contains(line, "count") && contains(line, "distribution"))) {
    return {"a histogram", lost_rows};
  }
  if (line.starts_with("@")) {
    return {"a bpftrace map", run_the_five};
  }
  const auto heading = std::find_if(headings.begin(), headings.end(),
                                    [&](const Heading& known) { return contains(line, known.part); });
  if (heading != headings.end()) {
    return heading->text;
  }
  if (line.starts_with("T: ") && contains(line, "Avg:")) {
    return {"cyclictest's summary", summary_only};
  }
  if (is_schedviz_row(line)) {
    return {
        "schedviz's own rows of switches, in hexadecimal",
        "switches alone do not tell who woke whom; record the kernel's tracepoints with 'chainsim capture'"};
  }
  if (line.starts_with("[") && contains(line, "(+") && contains(line, "{ cpu_id")) {
    return {"babeltrace's text of an LTTng trace",
            "give the directory of the trace itself, with its metadata"};
  }
  if (is_machine_settings(line)) {
    return {"saved settings of a machine", "they go beside a capture; the capture itself is another file"};
  }
  if (is_program_text(line)) {
    return {"the text of a program", "give what the program printed, not the program"};
  }
  if (line.starts_with("agent,") || line.starts_with("tid,")) {
    return {"a table with commas", "the steps and roles files go beside the capture, under its name"};
  }
  if (is_comma_header(line) && contains(line, "count")) {
    return {"counts in a table with commas", lost_rows};
  }
  if (is_comma_header(line) && (contains(line, "p50") || contains(line, "percentile"))) {
    return {"percentiles in a table with commas", summary_only};
  }
  if (is_comma_header(line)) {
    return {"a table with commas", summary_only};
  }
  if (line.starts_with("{\"traceEvents\"") || line.starts_with("[{\"")) {
    return {"a Chrome JSON trace", "give the ftrace text or trace.dat that it was made from"};
  }
  if (line.starts_with("{") || line.starts_with("<!") || line.starts_with("<html") ||
      line.starts_with("<?")) {
    return {"JSON or markup", run_the_five};
  }
  return {"", run_the_five};
}

}  // namespace calibration
