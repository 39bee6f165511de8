// The proposal's five bpftrace programs, word for word, as calibration/bpftrace/*.bt holds them (a test
// compares).
#pragma once

#include <array>
#include <string_view>

namespace calibration {

struct SeedProgram {
  std::string_view name;  // "irq": of the file, and of what it writes: LOAD.irq.txt
  std::string_view text;
};

inline constexpr std::array<SeedProgram, 5> seed_programs{{
    {"irq", R"bt(tracepoint:irq:irq_handler_entry
{
@irq_start[args->irq] = nsecs;
}
tracepoint:irq:irq_handler_exit
/@irq_start[args->irq]/
{
printf("irq=%d duration=%dus\n",
args->irq, (nsecs - @irq_start[args->irq]) / 1000);
delete(@irq_start[args->irq]);
}
)bt"},
    {"softirq", R"bt(tracepoint:irq:softirq_entry
{
@soft_start[args->vec] = nsecs;
}
tracepoint:irq:softirq_exit
/@soft_start[args->vec]/
{
printf("softirq vec=%d duration=%dus\n",
args->vec, (nsecs - @soft_start[args->vec]) / 1000);
delete(@soft_start[args->vec]);
}
)bt"},
    {"wakeup", R"bt(tracepoint:sched:sched_wakeup
{
@wake[args->pid] = nsecs;
}
tracepoint:sched:sched_switch
/@wake[args->next_pid]/
{
printf("pid=%d wake_to_run=%dus\n",
args->next_pid, (nsecs - @wake[args->next_pid]) / 1000);
delete(@wake[args->next_pid]);
}
)bt"},
    {"epoll", R"bt(tracepoint:syscalls:sys_enter_epoll_wait { @epoll[tid] = nsecs; }
tracepoint:syscalls:sys_exit_epoll_wait
/@epoll[tid]/
{
printf("tid=%d epoll_wait=%dus ret=%d\n",
tid, (nsecs - @epoll[tid]) / 1000, args->ret);
delete(@epoll[tid]);
}
)bt"},
    {"uring", R"bt(tracepoint:syscalls:sys_enter_io_uring_enter { @uring[tid] = nsecs; }
tracepoint:syscalls:sys_exit_io_uring_enter
/@uring[tid]/
{
printf("tid=%d io_uring_enter=%dus ret=%d\n",
tid, (nsecs - @uring[tid]) / 1000, args->ret);
delete(@uring[tid]);
}
)bt"},
}};

}  // namespace calibration
