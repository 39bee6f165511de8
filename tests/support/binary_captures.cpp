#include "tests/support/binary_captures.h"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

namespace {

constexpr std::size_t page_size = 4096;

std::string sized(const std::string& text) { return raw(std::uint64_t{text.size()}) + text; }

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string field_line(const std::string& declaration, int offset, const std::string& size,
                       const std::string& sign) {
  return "\tfield:" + declaration + ";\toffset:" + std::to_string(offset) + ";\tsize:" + size +
         ";\tsigned:" + sign + ";\n";
}

constexpr std::string_view header_page =
    "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
    "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
    "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n";

constexpr std::string_view header_event =
    "# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n\tarray       :   32 "
    "bits\n\n"
    "\tpadding     : type == 29\n\ttime_extend : type == 30\n\ttime_stamp : type == 31\n"
    "\tdata max type_len  == 28\n";

constexpr std::string_view ctf_metadata = R"(/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = 0; encoding = UTF8; } := char8;
typealias integer { size = 32; align = 8; signed = 0; } := u32;
typealias integer { size = 64; align = 8; signed = 0; } := u64;
typealias integer { size = 32; align = 8; signed = 1; } := i32;
typealias integer { size = 64; align = 8; signed = 1; } := i64;
trace { major = 1; minor = 8; byte_order = le; packet.header := struct { u32 magic; u32 stream_id; }; };
env { domain = "kernel"; tracer_name = "lttng-modules"; };
clock { name = monotonic; freq = 1000000000; offset = 0; };
typealias integer { size = 64; align = 8; signed = 0; map = clock.monotonic.value; } := time_t;
stream {
  id = 0;
  packet.context := struct { time_t timestamp_begin; time_t timestamp_end; u64 content_size; u64 packet_size;
                             u64 events_discarded; u32 cpu_id; };
  event.header := struct { u32 id; time_t timestamp; };
};
)";

}  // namespace

void TraceDatFile::format(std::string_view system, int id, std::string_view name, std::string_view fields) {
  std::string text = "name: " + std::string{name} + "\nID: " + std::to_string(id) + "\nformat:\n";
  text += field_line("unsigned short common_type", 0, "2", "0");
  text += field_line("unsigned char common_flags", 2, "1", "0");
  text += field_line("unsigned char common_preempt_count", 3, "1", "0");
  text += field_line("int common_pid", 4, "4", "1") + "\n";
  int offset = 8;
  for (const std::string& field : split(fields, '|')) {
    const std::vector<std::string> parts = split(field, ';');
    text += field_line(parts.at(0), offset, parts.at(1), parts.at(2));
    offset += std::stoi(parts.at(1));
  }
  text += "\nprint fmt: \"\"\n";
  auto known =
      std::find_if(systems_.begin(), systems_.end(), [&](const System& s) { return s.name == system; });
  if (known == systems_.end()) {
    known = systems_.insert(systems_.end(), {std::string{system}, {}});
  }
  known->formats.push_back(text);
}

void TraceDatFile::page(std::size_t cpu, const std::vector<DatRecord>& records, int missed) {
  std::string data;
  std::uint64_t time = records.at(0).time;
  const std::uint64_t begin = time;
  for (const DatRecord& record : records) {
    std::string body =
        raw(record.id) + raw(record.flags) + raw(record.preempt_count) + raw(record.pid) + record.fields;
    body.resize((body.size() + 3) / 4 * 4, '\0');
    const std::uint64_t delta = record.time - time;
    time = record.time;
    // type_len 0: the length, of itself too, is in the first word.
    data +=
        raw(static_cast<std::uint32_t>(delta << 5)) + raw(static_cast<std::uint32_t>(body.size() + 4)) + body;
  }
  std::uint64_t commit = data.size();
  if (missed != 0) {
    commit |= std::uint64_t{1} << 31;  // RB_MISSED_EVENTS
  }
  if (missed > 0) {
    commit |= std::uint64_t{1} << 30;  // RB_MISSED_STORED
    data += raw(static_cast<std::uint64_t>(missed));
  }
  cpus_.resize(std::max(cpus_.size(), cpu + 1));
  cpus_[cpu] += padded(raw(begin) + raw(commit) + data, page_size);
}

std::string TraceDatFile::bytes() const {
  using namespace std::string_literals;
  std::string file = "\x17\x08\x44tracing6\0"s + raw(std::uint8_t{0}) + raw(std::uint8_t{8}) +
                     raw(static_cast<std::uint32_t>(page_size));
  file += "header_page\0"s + sized(std::string{header_page}) + "header_event\0"s +
          sized(std::string{header_event});
  file += raw(std::uint32_t{0});  // formats of ftrace's own
  file += raw(static_cast<std::uint32_t>(systems_.size()));
  for (const System& system : systems_) {
    file += system.name + '\0' + raw(static_cast<std::uint32_t>(system.formats.size()));
    for (const std::string& format : system.formats) {
      file += sized(format);
    }
  }
  file += raw(static_cast<std::uint32_t>(kallsyms_.size())) + kallsyms_ + raw(std::uint32_t{0}) +
          sized(cmdlines_);
  file +=
      raw(static_cast<std::uint32_t>(cpus_.size())) + "options  \0"s + raw(std::uint16_t{0}) + "flyrecord\0"s;
  const std::size_t first = (file.size() + 16 * cpus_.size() + page_size - 1) / page_size * page_size;
  std::size_t at = first;
  for (const std::string& cpu : cpus_) {
    file += raw(std::uint64_t{at}) + raw(std::uint64_t{cpu.size()});
    at += cpu.size();
  }
  file.resize(first, '\0');
  for (const std::string& cpu : cpus_) {
    file += cpu;
  }
  return file;
}

void CtfTrace::packet(std::uint32_t cpu, const std::vector<CtfEvent>& events, std::uint64_t discarded) {
  packet(cpu, events, discarded, events.front().time, events.back().time);
}

void CtfTrace::packet(std::uint32_t cpu, const std::vector<CtfEvent>& events, std::uint64_t discarded,
                      std::uint64_t begin, std::uint64_t end) {
  std::string content;
  for (const CtfEvent& event : events) {
    content += raw(event.id) + raw(event.time) + event.payload;
  }
  constexpr std::size_t head = 8 + 5 * 8 + 4;
  const std::uint64_t bits = 8 * (head + content.size());
  std::ofstream file{directory_ / ("channel0_" + std::to_string(cpu)), std::ios::binary | std::ios::app};
  file << raw(std::uint32_t{0xc1fc1fc1}) << raw(std::uint32_t{0}) << raw(begin) << raw(end) << raw(bits)
       << raw(bits) << raw(discarded) << raw(cpu) << content;
}

void CtfTrace::write_metadata() const { std::ofstream{directory_ / "metadata"} << ctf_metadata << events_; }

std::string mutated(std::string bytes, std::uint64_t number) {
  std::mt19937_64 random{number};  // its numbers are the standard's, everywhere
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  switch (number % 4) {
    case 0:
      bytes.resize(below(bytes.size()));
      break;
    case 1:
      for (int i = 0; i < 4; ++i) {
        bytes[below(bytes.size())] ^= static_cast<char>(1 << below(8));
      }
      break;
    case 2:
      for (int i = 0; i < 32; ++i) {
        bytes[below(bytes.size())] = static_cast<char>(random());
      }
      break;
    default: {
      const std::size_t at = below(bytes.size());
      bytes.erase(at, below(256) + 1);
      break;
    }
  }
  return bytes;
}

int open_files() {
  const std::filesystem::directory_iterator files{"/proc/self/fd"};
  return static_cast<int>(std::distance(begin(files), end(files)));
}

bool no_children() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }
