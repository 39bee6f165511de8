#include "calibration/traces/trace_dat.h"

// trace-cmd.h includes tracefs.h, which is C that C++ refuses (an int for an enum) and of which it needs
// nothing.
#define _TRACE_FS_H
#include <trace-cmd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

#include "calibration/traces/trace_dat_records.h"
#include "calibration/traces/unpacked_file.h"
#include "scenarios/input_error.h"

namespace calibration {
namespace {

constexpr std::string_view magic = "\x17\x08\x44tracing";
constexpr std::string_view expected = "an undamaged trace.dat";

struct CloseInput {
  void operator()(::tracecmd_input* input) const { ::tracecmd_close(input); }
};
using Input = std::unique_ptr<::tracecmd_input, CloseInput>;

struct FreeRecord {
  void operator()(::tep_record* record) const { ::tracecmd_free_record(record); }
};
using Record = std::unique_ptr<::tep_record, FreeRecord>;

// One CPU's records in one buffer: sorted.
struct Lane {
  ::tracecmd_input* buffer;
  TraceDatRecords* records;
  int cpu;
  Record record;  // the next one
};

class TraceDat {
 public:
  TraceDat(int fd, EventWriter& out) : out_{out} {
    main_.reset(::tracecmd_open_fd(fd, TRACECMD_FL_LOAD_NO_PLUGINS));
    if (main_ == nullptr) {
      throw Refusal{"a trace.dat that libtracecmd cannot read", std::string{expected},
                    "copy or record it again"};
    }
    add_buffer(main_.get());
    for (int i = 0; i < ::tracecmd_buffer_instances(main_.get()); ++i) {
      if (::tracecmd_input* const instance = ::tracecmd_buffer_instance_handle(main_.get(), i)) {
        instances_.emplace_back(instance);
        add_buffer(instance);
      }
    }
    out_.detail("libtracecmd");
  }

  void run() {
    while (!queue_.empty()) {
      const std::size_t at = queue_.top().second;
      queue_.pop();
      Lane& lane = lanes_[at];
      emit(lane);
      advance(at);
    }
  }

 private:
  using Head = std::pair<std::uint64_t, std::size_t>;  // time, lane: of equal times the lower CPU is first

  void add_buffer(::tracecmd_input* buffer) {
    ::tep_handle* const tep = ::tracecmd_get_tep(buffer);
    records_.push_back(std::make_unique<TraceDatRecords>(tep, out_));
    const int cpus = std::clamp(::tep_get_cpus(tep), 0, max_cpu + 1);
    for (int cpu = 0; cpu < cpus; ++cpu) {
      lanes_.push_back({.buffer = buffer, .records = records_.back().get(), .cpu = cpu, .record = nullptr});
      advance(lanes_.size() - 1);
    }
  }

  void advance(std::size_t at) {
    Lane& lane = lanes_[at];
    lane.record.reset(::tracecmd_read_data(lane.buffer, lane.cpu));
    if (lane.record != nullptr) {
      queue_.emplace(lane.record->ts, at);
    }
  }

  void emit(const Lane& lane) {
    Event event;
    if (const long long missed = lane.record->missed_events; missed != 0) {
      event.time = static_cast<std::int64_t>(lane.record->ts);
      event.cpu = lane.record->cpu;
      event.kind = EventKind::lost;
      event.lost = {missed > 0 ? static_cast<std::uint64_t>(missed) : 0};  // -1: nobody counted them
      out_.event(event);
    }
    lane.records->read(*lane.record, event);
    out_.event(event);
  }

  EventWriter& out_;
  Input main_;
  std::vector<Input> instances_;
  std::vector<std::unique_ptr<TraceDatRecords>> records_;
  std::vector<Lane> lanes_;  // destroyed before what they read from
  std::priority_queue<Head, std::vector<Head>, std::greater<>> queue_;
};

}  // namespace

bool is_trace_dat(std::string_view head) { return head.starts_with(magic); }

std::unique_ptr<EventSource> open_trace_dat(const std::filesystem::path& path, Names& names,
                                            CaptureLog& log) {
  const UnpackedFile file{path};
  std::array<char, magic.size()> head{};
  if (::pread(file.fd(), head.data(), head.size(), 0) < 0 || !is_trace_dat({head.data(), head.size()})) {
    throw scenarios::InputError{{.file = path.string(),
                                 .found = "no trace.dat: it begins otherwise",
                                 .expected = std::string{expected}}};
  }
  return start_parser({.file = path.string(),
                       .parser = "libtracecmd",
                       .expected = std::string{expected},
                       .input = file.fd(),
                       .limits = {.cpu_seconds = parser_cpu_seconds(file.size())},
                       .parse =
                           [](EventWriter& out, int input) {
                             TraceDat{input, out}.run();
                           }},
                      names, log);
}

}  // namespace calibration
