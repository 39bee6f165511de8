#include "calibration/capture/program.h"

#include <algorithm>

#include "calibration/traces/chain_program.h"

namespace calibration {
namespace {

using Form = TracepointField::Form;

constexpr std::size_t text_bytes = 16;  // of a row's text, NUL included; TASK_COMM_LEN

struct Printer {
  const TracepointFields& fields;
  std::string_view tracepoint;
  ChainProgram& program;

  // A field as 64 bits; "(uint64)0" where this kernel's tracepoint has none of that name.
  std::string number(std::string_view field) {
    if (field.empty()) {
      return "(uint64)0";
    }
    if (fields.find(field) == fields.end()) {
      program.absent_fields.push_back(std::string{tracepoint} + " " + std::string{field});
      return "(uint64)0";
    }
    return "(uint64)args->" + std::string{field};
  }

  std::string word(const ChainWord& word) {
    if (word.high.empty()) {
      return number(word.low);
    }
    return "(" + number(word.high) + " << 32) | (" + number(word.low) + " & 0xffffffff)";
  }

  // Texts of 16 bytes as they are, others read to that length: all tuples of a map are of one type.
  std::string text(std::string_view field) {
    if (field.empty()) {
      return "\"\"";
    }
    const auto found = fields.find(field);
    if (found == fields.end()) {
      program.absent_fields.push_back(std::string{tracepoint} + " " + std::string{field});
      return "\"\"";
    }
    const std::string name{field};
    switch (found->second.form) {
      case Form::text_elsewhere:
        return "str(args->" + name + ")";
      case Form::text:
        return found->second.size == static_cast<int>(text_bytes)
                   ? "args->" + name
                   : "str((uint64)args + " + std::to_string(found->second.offset) + ")";
      case Form::number:
        break;
    }
    return "\"\"";
  }
};

template <class Values, class Text>
std::string any_of(const Values& values, Text&& text) {
  std::string either;
  for (const auto& value : values) {
    either += (either.empty() ? "" : " || ") + text(value);
  }
  return either;
}

// What is sure about a name that fits the pattern: its beginning. The rest is judged when the rows are
// stored.
std::string name_predicate(std::string_view pattern) {
  const std::string beginning{pattern.substr(0, std::min(pattern.find_first_of("*?"), text_bytes - 1))};
  if (beginning.empty() || beginning.find_first_of("\"\\") != std::string::npos) {
    return "";
  }
  return "strncmp(comm, \"" + beginning + "\", " + std::to_string(beginning.size()) + ") == 0";
}

std::string task_predicate(const CaptureFilter& filter) {
  std::string all;
  const auto also = [&all](const std::string& condition) {
    if (!condition.empty()) {
      all += (all.empty() ? "(" : " && (") + condition + ")";
    }
  };
  also(filter.comm.empty() ? "" : name_predicate(filter.comm));
  also(any_of(filter.pids, [](auto pid) { return "pid == " + std::to_string(pid); }));
  also(any_of(filter.cgroups, [](auto id) { return "cgroup == " + std::to_string(id); }));
  return all;
}

std::string predicate(ChainFilter kind, const CaptureFilter& filter) {
  switch (kind) {
    case ChainFilter::task:
      return task_predicate(filter);
    case ChainFilter::device:
      return any_of(filter.devices, [](auto dev) { return "args->dev == " + std::to_string(dev); });
    case ChainFilter::none:
      break;
  }
  return "";
}

bool wanted(const ChainPoint& point, const ChainProgramOptions& options) {
  return point.kind != EventKind::netif_receive_skb || options.receive;
}

}  // namespace

ChainProgram chain_program(const Machine& machine, const ChainProgramOptions& options) {
  ChainProgram program;
  program.exact_context =
      machine.has("irq_vectors:local_timer_entry") && machine.has("irq_vectors:local_timer_exit");
  std::string probes;
  for (const ChainPoint& point : chain_points()) {
    const auto found = machine.tracepoints.find(point.tracepoint);
    if (found == machine.tracepoints.end() || !wanted(point, options)) {
      continue;
    }
    ++program.points;
    Printer printer{.fields = found->second, .tracepoint = point.tracepoint, .program = program};
    std::string words;
    for (const ChainWord& word : point.words) {
      words += printer.word(word) + ", ";
    }
    const std::string condition = predicate(point.filter, options.filter);
    probes += "tracepoint:" + std::string{point.tracepoint} + "\n" +
              (condition.empty() ? "" : "/" + condition + "/\n") + "{\n  @e[nsecs, cpu] = ((uint64)" +
              std::to_string(point.code) + " | ((uint64)tid << 8), " + words + printer.text(point.text) +
              ");\n}\n";
  }
  program.text = "BEGIN\n{\n  printf(\"" + std::string{chain_raw_tag} + "\\n\");\n" +
                 (program.exact_context ? "  printf(\"" + std::string{chain_exact_tag} + "\\n\");\n" : "") +
                 "}\n" + probes;
  return program;
}

std::vector<std::string> left_out(const CaptureFilter& filter) {
  std::vector<std::string> sentences;
  if (filter.tasks()) {
    sentences.push_back(
        "system calls (epoll_wait, io_uring_enter, nanosleep and their kin) of all tasks that do not match; "
        "their "
        "switches, wakeups and interrupts are kept");
  }
  if (!filter.cgroups.empty()) {
    sentences.push_back(
        "system calls of tasks in cgroups that were made below the given one after the start");
  }
  if (!filter.devices.empty()) {
    sentences.push_back(
        "block_rq_issue and block_rq_complete of all other devices; their interrupts are kept");
  }
  return sentences;
}

bool name_fits(std::string_view name, std::string_view pattern) {
  // The last * may have to take one byte more: one place to go back to is enough.
  std::size_t n = 0, p = 0, star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

std::vector<std::string> chain_environment(std::uint64_t map_entries) {
  const std::string entries = std::to_string(map_entries), length = std::to_string(text_bytes);
  return {"BPFTRACE_MAP_KEYS_MAX=" + entries, "BPFTRACE_MAX_MAP_KEYS=" + entries, "BPFTRACE_STRLEN=" + length,
          "BPFTRACE_MAX_STRLEN=" + length};
}

}  // namespace calibration
