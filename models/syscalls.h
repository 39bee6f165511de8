// What programs ask of the kernel: the system calls, as one interface per mechanism.
//
// A program passes the method it continues with; the model runs it in userspace when the call returns.
#pragma once

#include "models/cpu.h"
#include "models/task.h"

namespace models {

// How a system call continues in its caller: a method of the program, called at the return to userspace.
using Continuation = Work;

template <auto Method, class T>
Continuation then(T& program, std::uint64_t argument = 0) {
  return make_work<Method>(sim::Nanos{0}, program, argument);
}

inline void resume(const Continuation& continuation) {
  continuation.call(continuation.object, continuation.argument);
}

}  // namespace models
