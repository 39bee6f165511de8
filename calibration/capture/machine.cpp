#include "calibration/capture/machine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include "calibration/traces/chain_program.h"
#include "calibration/traces/text_scan.h"

namespace calibration {
namespace {

using Verdict = MachineCheck::Verdict;

constexpr std::string_view tracing = "/sys/kernel/tracing";

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path, std::ios::binary}.rdbuf();
  return text.str();
}

std::string find_program(std::string_view name) {
  const char* const path = std::getenv("PATH");
  std::istringstream directories{path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path};
  for (std::string directory; std::getline(directories, directory, ':');) {
    std::string program = directory + "/" + std::string{name};
    if (struct stat status{}; ::access(program.c_str(), X_OK) == 0 && ::stat(program.c_str(), &status) == 0 &&
                              S_ISREG(status.st_mode)) {
      return program;
    }
  }
  return "";
}

// What the program prints to standard output, up to a page of it.
std::string output_of(const std::string& program, const char* argument) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return "";
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    const int nothing = ::open("/dev/null", O_RDWR);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(nothing, STDERR_FILENO);
    ::execl(program.c_str(), program.c_str(), argument, nullptr);
    ::_exit(127);
  }
  ::close(pipe[1]);
  std::string text;
  std::array<char, 4096> block{};
  for (ssize_t got = 0;
       child > 0 && text.size() < block.size() &&
       ((got = ::read(pipe[0], block.data(), block.size())) > 0 || (got < 0 && errno == EINTR));) {
    text.append(block.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  ::close(pipe[0]);
  while (child > 0 && ::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return text;
}

void check_bpftrace(Machine& machine) {
  machine.bpftrace = find_program("bpftrace");
  if (machine.bpftrace.empty()) {
    machine.checks.push_back(
        {"bpftrace", Verdict::missing, "not on the PATH", "install it (Debian: apt install bpftrace)"});
    return;
  }
  const std::string text = output_of(machine.bpftrace, "--version");
  machine.bpftrace_version = parse_bpftrace_version(text);
  const auto& [major, minor, patch] = machine.bpftrace_version;
  const std::string found = std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  if (machine.bpftrace_version < std::array{0, 14, 0}) {
    machine.checks.push_back({"bpftrace", Verdict::missing, found, "install 0.14 or later; 0.17 is tested"});
  } else if (major != 0 || minor != 17) {
    machine.checks.push_back({"bpftrace", Verdict::degraded, found,
                              "only 0.17 was tested on a live machine; look at the capture's counts"});
  } else {
    machine.checks.push_back({"bpftrace", Verdict::good, found, ""});
  }
}

// 3 capabilities that bpftrace needs, or all of them as CAP_SYS_ADMIN gives them on older kernels.
void check_permissions(Machine& machine) {
  const std::string status = read_file("/proc/self/status");
  TextScan text{status};
  std::uint64_t effective = 0;
  const bool known = text.past("CapEff:\t") && text.hex(effective);
  const auto has = [&](int capability) { return (effective >> capability & 1) != 0; };
  const bool admin = has(CAP_SYS_ADMIN);
  if (known && admin) {
    machine.checks.push_back({"permissions", Verdict::good, "CAP_SYS_ADMIN", ""});
  } else {
    machine.checks.push_back({"permissions", Verdict::missing,
                              "no CAP_SYS_ADMIN (uid " + std::to_string(::geteuid()) + ")",
                              "run it as root, outside of unprivileged containers"});
  }
}

void check_lockdown(Machine& machine) {
  const std::string text = read_file("/sys/kernel/security/lockdown");
  if (text.find("[confidentiality]") != std::string::npos) {
    machine.checks.push_back({"lockdown", Verdict::missing,
                              "confidentiality: the kernel lets nobody trace it",
                              "boot without lockdown=confidentiality"});
  } else {
    machine.checks.push_back(
        {"lockdown", Verdict::good, text.empty() ? "none" : "does not forbid tracing", ""});
  }
}

void check_btf(Machine& machine) {
  const bool there = exists("/sys/kernel/btf/vmlinux");
  machine.checks.push_back(
      {"BTF", there ? Verdict::good : Verdict::degraded,
       there ? "/sys/kernel/btf/vmlinux" : "no /sys/kernel/btf/vmlinux",
       there ? "" : "bpftrace 0.17 does without; later ones want CONFIG_DEBUG_INFO_BTF"});
}

void check_pid_namespace(Machine& machine) {
  std::array<char, 64> link{};
  const ssize_t length = ::readlink("/proc/self/ns/pid", link.data(), link.size() - 1);
  constexpr std::string_view initial = "pid:[4026531836]";  // PROC_PID_INIT_INO
  const bool outer = length > 0 && std::string_view{link.data()} == initial;
  machine.checks.push_back(
      {"pid namespace", outer ? Verdict::good : Verdict::degraded,
       outer ? "the machine's own" : "one of its own: the events have other pids than /proc here",
       outer ? "" : "run it outside of the container, or all tasks but kernel threads are 'other'"});
}

// Mounted where only this process and its children see it.
std::string mount_tracefs() {
  if (::unshare(CLONE_NEWNS) != 0) {
    return std::string{"no mount namespace of its own: "} + std::strerror(errno);
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return std::string{"no private mounts: "} + std::strerror(errno);
  }
  const std::string target{tracing};
  if (::mount("tracefs", target.c_str(), "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return std::string{"not mounted, and mounting it fails: "} + std::strerror(errno);
  }
  return "";
}

bool check_tracefs(Machine& machine) {
  const std::string events = std::string{tracing} + "/events";
  if (exists(events)) {
    machine.checks.push_back({"tracefs", Verdict::good, std::string{tracing}, ""});
    return true;
  }
  if (read_file("/proc/filesystems").find("\ttracefs\n") == std::string::npos) {
    machine.checks.push_back({"tracefs", Verdict::missing, "not in /proc/filesystems",
                              "use a kernel with CONFIG_TRACING and CONFIG_FTRACE"});
    return false;
  }
  if (const std::string trouble = mount_tracefs(); !trouble.empty()) {
    machine.checks.push_back(
        {"tracefs", Verdict::missing, trouble, "as root: mount -t tracefs tracefs /sys/kernel/tracing"});
    return false;
  }
  machine.tracefs_mounted_here = true;
  machine.checks.push_back({"tracefs", Verdict::good, "mounted for this process alone", ""});
  return true;
}

std::string remedy_for(std::string_view tracepoint) {
  const std::string_view group = tracepoint.substr(0, tracepoint.find(':'));
  if (group == "io_uring" || tracepoint.find("io_uring") != std::string_view::npos) {
    return "a kernel with CONFIG_IO_URING";
  }
  if (group == "block") {
    return "a kernel with CONFIG_BLOCK";
  }
  if (group == "syscalls") {
    return "a kernel with CONFIG_FTRACE_SYSCALLS";
  }
  if (group == "irq_vectors") {
    return "x86 only: elsewhere it stays unknown which wakeups a timer's interrupt makes";
  }
  return group == "ipi" ? "Linux 6.4 or later" : "a kernel with CONFIG_TRACEPOINTS and this subsystem";
}

void check_tracepoints(Machine& machine) {
  std::string missing, remedies;
  for (const ChainPoint& point : chain_points()) {
    std::string path{point.tracepoint};
    std::replace(path.begin(), path.end(), ':', '/');
    const std::string format = read_file(std::string{tracing} + "/events/" + path + "/format");
    if (!format.empty()) {
      machine.tracepoints.emplace(point.tracepoint, parse_tracepoint_format(format));
    } else {
      machine.checks.push_back({"tracepoint " + std::string{point.tracepoint},
                                point.optional ? Verdict::degraded : Verdict::missing, "not in this kernel",
                                remedy_for(point.tracepoint)});
    }
  }
  machine.checks.push_back(
      {"tracepoints", Verdict::good,
       std::to_string(machine.tracepoints.size()) + " of " + std::to_string(chain_points().size()), ""});
}

}  // namespace

std::string read_small_file(const std::string& path) {
  std::string text = read_file(path);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

std::array<int, 3> parse_bpftrace_version(std::string_view text) {
  std::array<int, 3> version{};
  TextScan scan{text};
  if (!scan.literal("bpftrace v") || !scan.number(version[0]) || !scan.literal(".") ||
      !scan.number(version[1])) {
    return {};
  }
  if (scan.literal(".")) {
    scan.number(version[2]);
  }
  return version;
}

TracepointFields parse_tracepoint_format(std::string_view text) {
  TracepointFields fields;
  for (TextScan scan{text}; scan.past("field:");) {
    const std::string_view declaration = scan.until(';');
    TracepointField field;
    if (!scan.past("offset:") || !scan.number(field.offset) || !scan.past("size:") ||
        !scan.number(field.size)) {
      break;
    }
    const auto bracket = declaration.rfind('[');
    const bool array = declaration.ends_with(']') && bracket != std::string_view::npos;
    const std::string_view before =
        declaration.starts_with("__data_loc") || !array ? declaration : declaration.substr(0, bracket);
    const std::string_view name = before.substr(before.rfind(' ') + 1);
    if (declaration.starts_with("__data_loc")) {
      field.form = TracepointField::Form::text_elsewhere;
    } else if (array && declaration.find("char ") != std::string_view::npos) {
      field.form = TracepointField::Form::text;
    }
    fields.emplace(name, field);
  }
  return fields;
}

bool Machine::can_capture() const {
  return std::none_of(checks.begin(), checks.end(),
                      [](const MachineCheck& check) { return check.verdict == Verdict::missing; });
}

Machine inspect_machine() {
  Machine machine;
  utsname name{};
  ::uname(&name);
  machine.kernel_release = name.release;
  machine.kernel_version = name.version;
  machine.architecture = name.machine;
  machine.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  check_bpftrace(machine);
  check_permissions(machine);
  check_lockdown(machine);
  check_btf(machine);
  check_pid_namespace(machine);
  if (check_tracefs(machine)) {
    check_tracepoints(machine);
  }
  return machine;
}

}  // namespace calibration
