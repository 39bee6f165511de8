#include "tools/analyze_perfetto.h"

namespace tools {

using calibration::Rule;

void PerfettoFile::begin() {
  writer_.reset();
  file_.reset();
  file_.emplace(path_);
}

void PerfettoFile::event(const calibration::Event& event, const calibration::Names& names) {
  if (!writer_) {
    writer_.emplace(*file_, names);
  }
  writer_->write(event);
}

// Timers and requests have their arrows already: perfetto_writer.h.
void PerfettoFile::link(const calibration::WakeLink& link) {
  const bool sent =
      link.rule == Rule::peer_send || link.rule == Rule::own_send_acked || link.rule == Rule::device_packet;
  if (sent && writer_ && link.from_time >= 0) {
    const auto where = link.rule == Rule::device_packet ? calibration::FlowEnd::Where::hardirq
                                                        : calibration::FlowEnd::Where::task;
    writer_->link({.time = link.from_time, .cpu = link.from_cpu, .pid = link.from_pid, .where = where},
                  {.time = link.time, .cpu = link.cpu, .where = calibration::FlowEnd::Where::softirq},
                  to_string(link.rule));
  }
}

void PerfettoFile::commit() {
  if (writer_) {
    writer_->finish();
  }
  file_->commit();
}

}  // namespace tools
