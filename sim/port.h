// One typed connection between two components: a direct call through one pointer.
//
//   sim::Port<void(CpuId)> irq;                 // in the sender
//   sender.irq.connect<&Receiver::raise>(receiver);
//   irq(cpu);                                   // calls receiver.raise(cpu)
//
// A port connects once, while the host is wired. Calling an unconnected port is our bug.
#pragma once

#include <utility>

#include "sim/check.h"

namespace sim {

template <class Signature>
class Port;

template <class Result, class... Args>
class Port<Result(Args...)> {
 public:
  template <auto Method, class T>
  void connect(T& object) {
    object_ = &object;
    call_ = [](void* target, Args... args) -> Result {
      return (static_cast<T*>(target)->*Method)(std::forward<Args>(args)...);
    };
  }

  template <Result (*Function)(Args...)>
  void connect() {
    call_ = [](void*, Args... args) -> Result { return Function(std::forward<Args>(args)...); };
  }

  bool connected() const { return call_ != nullptr; }

  Result operator()(Args... args) const {
    check(call_ != nullptr, "a port is connected before it is called");
    return call_(object_, std::forward<Args>(args)...);
  }

 private:
  void* object_ = nullptr;
  Result (*call_)(void*, Args...) = nullptr;
};

}  // namespace sim
