// Which kernel a capture is of.
#include <charconv>
#include <fstream>
#include <utility>

#include "calibration/replay/replay_input.h"
#include "scenarios/input_error.h"

namespace calibration {
namespace {

struct Release {
  int major = 0, minor = 0;
  std::string text;
};

// "6.12", "6.12.117", "6.18.44-generic"
std::optional<Release> parse_release(std::string_view text) {
  Release release;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, release.major);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') {
    return std::nullopt;
  }
  const auto minor = std::from_chars(major.ptr + 1, end, release.minor);
  if (minor.ec != std::errc{}) {
    return std::nullopt;
  }
  const std::size_t length = text.find_first_not_of("0123456789.");
  release.text = text.substr(0, length);
  while (!release.text.empty() && release.text.back() == '.') {
    release.text.pop_back();
  }
  return release;
}

// What the folder of a capture says of the machine.
struct Beside {
  std::optional<Release> release;
  std::string source;
  std::optional<models::Preemption> preemption;
  std::optional<bool> autogroup, irq_time;
  std::optional<int> hz;
};

constexpr int most_lines = 20'000;

// The file that the kernel's build leaves: /boot/config-$(uname -r).
void read_config(const std::filesystem::path& file, Beside& beside) {
  std::ifstream input{file};
  std::string line;
  for (int i = 0; i < most_lines && std::getline(input, line); ++i) {
    constexpr std::string_view heading = "# Linux/";
    if (line.compare(0, heading.size(), heading) == 0) {
      const std::size_t space = line.find(' ', heading.size());
      beside.release = space == std::string::npos ? std::nullopt : parse_release(line.substr(space + 1));
      beside.source = file.filename().string();
    } else if (line == "CONFIG_PREEMPT_NONE=y") {
      beside.preemption = models::Preemption::none;
    } else if (line == "CONFIG_PREEMPT_VOLUNTARY=y") {
      beside.preemption = models::Preemption::voluntary;
    } else if (line == "CONFIG_PREEMPT=y") {
      beside.preemption = models::Preemption::full;
    } else if (line == "CONFIG_SCHED_AUTOGROUP=y" || line == "# CONFIG_SCHED_AUTOGROUP is not set") {
      beside.autogroup = line.front() == 'C';
    } else if (line == "CONFIG_IRQ_TIME_ACCOUNTING=y" || line == "# CONFIG_IRQ_TIME_ACCOUNTING is not set") {
      beside.irq_time = line.front() == 'C';
    } else if (line.compare(0, 10, "CONFIG_HZ=") == 0) {
      beside.hz = std::atoi(line.c_str() + 10);
    }
  }
}

// "# Captures from a 2-CPU virtual machine, Linux 6.18 (EEVDF)": the first heading.
void read_readme(const std::filesystem::path& file, Beside& beside) {
  std::ifstream input{file};
  std::string line;
  for (int i = 0; i < most_lines && std::getline(input, line); ++i) {
    if (line.compare(0, 2, "# ") == 0) {
      const std::size_t linux = line.find("Linux ");
      if (linux != std::string::npos) {
        beside.release = parse_release(line.substr(linux + 6));
        beside.source = "heading of " + file.filename().string();
      }
      return;
    }
  }
}

Beside look_beside(const std::filesystem::path& capture) {
  Beside beside;
  std::error_code ignored;
  const std::filesystem::path folder =
      std::filesystem::absolute(capture, ignored).lexically_normal().parent_path();
  for (const std::filesystem::path& place : {folder / "kernel-config", folder / "config"}) {
    if (!beside.release && std::filesystem::is_regular_file(place, ignored)) {
      read_config(place, beside);
    }
  }
  for (const std::filesystem::path& place : {folder / "README.md", folder.parent_path() / "README.md"}) {
    if (!beside.release && std::filesystem::is_regular_file(place, ignored)) {
      read_readme(place, beside);
    }
  }
  return beside;
}

[[noreturn]] void refuse(const std::filesystem::path& capture, std::string found, std::string suggestion) {
  throw scenarios::InputError{{.file = capture.string(),
                               .found = std::move(found),
                               .expected = "a capture of Linux 6.6 or later, which schedules by EEVDF",
                               .suggestion = std::move(suggestion)}};
}

}  // namespace

ReplayKernel find_kernel(const std::filesystem::path& capture, const ReplayOptions& options) {
  Beside beside = look_beside(capture);
  const std::string folder_source = beside.source;
  ReplayKernel kernel;
  if (options.release) {
    beside.release = parse_release(*options.release);
    beside.source = "--release";
    if (!beside.release) {
      refuse(capture, "--release " + scenarios::quoted(*options.release),
             "say --release 6.12 or --release 6.18");
    }
  }
  if (!beside.release) {
    refuse(capture, "a capture that does not say what kernel it is of",
           "say --release 6.12 or --release 6.18");
  }
  const Release& release = *beside.release;
  if (std::pair{release.major, release.minor} < std::pair{6, 6}) {
    refuse(capture, "Linux " + release.text + " (" + beside.source + "), which schedules by CFS",
           "EEVDF came with 6.6; nothing of an older kernel's decisions can be replayed");
  }
  kernel.release = release.text;
  kernel.release_source = beside.source;
  const bool late = std::pair{release.major, release.minor} >= std::pair{6, 15};
  kernel.config.release = late ? models::KernelRelease::v6_18 : models::KernelRelease::v6_12;
  kernel.config.hz = beside.hz.value_or(250);
  kernel.config.irq_time_accounting = beside.irq_time.value_or(false);
  kernel.config.preemption =
      options.preemption.value_or(beside.preemption.value_or(models::Preemption::none));
  kernel.preemption_source = options.preemption ? "--preempt" : beside.preemption ? folder_source : "assumed";
  kernel.autogroup = options.autogroup.value_or(beside.autogroup.value_or(late));
  kernel.autogroup_source = options.autogroup ? "--autogroup" : beside.autogroup ? folder_source : "assumed";
  return kernel;
}

}  // namespace calibration
