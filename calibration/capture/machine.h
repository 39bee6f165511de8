// Whether this machine can be captured, each condition by name, and the tracepoints that it has.
//
// Nothing on the machine is changed: where tracefs is not mounted, it is mounted in a mount namespace of this
// process alone, which ends with the process, however that ends.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace calibration {

struct MachineCheck {
  enum class Verdict { good, degraded, missing };  // degraded: the capture works but holds less

  std::string name;  // "bpftrace", "tracepoint io_uring:io_uring_complete"
  Verdict verdict = Verdict::good;
  std::string found;   // "0.17.0", "none in /proc/filesystems"
  std::string remedy;  // "" when good
};

// How a tracepoint holds a field: what an expression of bpftrace must do to read it.
struct TracepointField {
  enum class Form { number, text, text_elsewhere };  // char[N]; __data_loc char[]

  Form form = Form::number;
  int offset = 0;  // bytes
  int size = 0;    // bytes
};
using TracepointFields = std::map<std::string, TracepointField, std::less<>>;

// The fields of events/GROUP/NAME/format. Lines that are no field are passed over.
TracepointFields parse_tracepoint_format(std::string_view text);

struct Machine {
  std::string bpftrace;  // path; "" when there is none
  std::array<int, 3> bpftrace_version{};
  std::string kernel_release;                                        // uname -r
  std::string kernel_version;                                        // uname -v
  std::string architecture;                                          // uname -m
  int cpus = 0;                                                      // online
  bool tracefs_mounted_here = false;                                 // by us, for us
  std::map<std::string, TracepointFields, std::less<>> tracepoints;  // by "group:name": those of the program
  std::vector<MachineCheck> checks;

  bool can_capture() const;  // nothing is missing
  bool has(std::string_view tracepoint) const { return tracepoints.find(tracepoint) != tracepoints.end(); }
};

// Looks at everything. May move this process into a mount namespace of its own.
Machine inspect_machine();

// "bpftrace v0.17.0" -> {0, 17, 0}; zeros for anything else.
std::array<int, 3> parse_bpftrace_version(std::string_view text);

// The words of a file of one line; "" when it cannot be read.
std::string read_small_file(const std::string& path);

}  // namespace calibration
