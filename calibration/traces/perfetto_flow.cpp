#include "calibration/traces/perfetto_flow.h"

namespace calibration {

FlowEnd flow_end(const Event& event) {
  FlowEnd end{.time = event.time, .cpu = event.cpu, .pid = event.pid, .comm = event.comm};
  switch (event.kind) {
    case EventKind::irq_handler_entry:
    case EventKind::irq_handler_exit:
    case EventKind::hrtimer_expire_entry:
      end.where = FlowEnd::Where::hardirq;
      return end;
    case EventKind::softirq_entry:
    case EventKind::softirq_exit:
    case EventKind::napi_poll:
    case EventKind::netif_receive_skb:
      end.where = FlowEnd::Where::softirq;
      break;
    default:
      break;
  }
  if (event.flags.hardirq || (event.pid == 0 && end.where == FlowEnd::Where::task)) {
    end.where = FlowEnd::Where::hardirq;  // the idle task has no row
  }
  if (event.flags.softirq && !event.flags.hardirq) {
    end.where = FlowEnd::Where::softirq;
  }
  return end;
}

}  // namespace calibration
