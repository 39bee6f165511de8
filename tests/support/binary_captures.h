// Binary captures made by hand, byte by byte, so that every value in them is known: a trace.dat of version 6
// (trace-cmd.dat.v6(5)) and a CTF trace as LTTng lays it out.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "calibration/traces/event_reader.h"
#include "scenarios/input_error.h"
#include "tests/calibration/capture_bench.h"

template <class T>
std::string raw(T value) {
  static_assert(std::is_integral_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// In `size` bytes, NUL-padded.
inline std::string padded(std::string text, std::size_t size) {
  text.resize(size, '\0');
  return text;
}

// A record of the ring buffer: the fields that all have, then the tracepoint's own.
struct DatRecord {
  std::uint64_t time;
  std::uint16_t id;
  std::int32_t pid;
  std::string fields;
  std::uint8_t flags = 0;
  std::uint8_t preempt_count = 0;
};

class TraceDatFile {
 public:
  // `fields`: "int irq;4;1|char name[8];8;0", each declaration;size;signed, laid out one after another.
  void format(std::string_view system, int id, std::string_view name, std::string_view fields);
  void page(std::size_t cpu, const std::vector<DatRecord>& records,
            int missed = 0);  // missed -1: not counted
  void task(int pid, std::string_view comm) {
    cmdlines_ += std::to_string(pid) + " " + std::string{comm} + "\n";
  }
  void symbol(std::string_view line) { kallsyms_ += std::string{line} + "\n"; }  // "ffff81 t name"
  std::string bytes() const;

 private:
  struct System {
    std::string name;
    std::vector<std::string> formats;
  };
  std::vector<System> systems_;
  std::vector<std::string> cpus_;
  std::string cmdlines_, kallsyms_;
};

// Packets of one CPU; each packet is a context and events of 32-bit id, 64-bit time and payload.
struct CtfEvent {
  std::uint32_t id;
  std::uint64_t time;
  std::string payload;
};

class CtfTrace {
 public:
  explicit CtfTrace(std::filesystem::path directory) : directory_{std::move(directory)} {
    std::filesystem::create_directories(directory_);
  }
  // `fields`: TSDL members with the types i32, u32, i64, u64 and text.
  void event(int id, std::string_view name, std::string_view fields) {
    events_ += "event { name = \"" + std::string{name} + "\"; id = " + std::to_string(id) +
               "; stream_id = 0; fields := struct { " + std::string{fields} + " }; };\n";
  }
  // `discarded`: how many events of the stream were lost so far. The packet's times are its events', or
  // `span`.
  void packet(std::uint32_t cpu, const std::vector<CtfEvent>& events, std::uint64_t discarded = 0);
  void packet(std::uint32_t cpu, const std::vector<CtfEvent>& events, std::uint64_t discarded,
              std::uint64_t begin, std::uint64_t end);
  void write_metadata() const;
  const std::filesystem::path& directory() const { return directory_; }

 private:
  std::filesystem::path directory_;
  std::string events_;
};

// Everything that a reader gives of a binary capture.
struct BinaryRead {
  std::vector<calibration::Event> events;
  calibration::Names names;
  calibration::CaptureLog log;

  template <class Open>
  explicit BinaryRead(Open&& open, const std::filesystem::path& path) {
    const auto source = open(path, names, log);
    for (calibration::Event event; source->next(event);) {
      events.push_back(event);
    }
  }
  std::string text(calibration::Name name) const { return std::string{names.text(name)}; }
};

template <class Open>
scenarios::InputError refused_binary(Open&& open, const std::filesystem::path& path) {
  try {
    const BinaryRead read{open, path};
  } catch (const scenarios::InputError& error) {
    return error;
  }
  throw std::runtime_error{path.string() + " was not refused"};
}

// `bytes` with some of them changed, cut or left out; the same for the same number.
std::string mutated(std::string bytes, std::uint64_t number);

int open_files();    // of this process
bool no_children();  // not even one that has ended and was not waited for
