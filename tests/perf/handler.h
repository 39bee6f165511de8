// What an event calls, in the engines that the product is compared with: the same function pointer,
// object and argument as in sim/engine.h.
#pragma once

#include <cstdint>
#include <type_traits>

namespace perf {

struct Handler {
  void (*call)(void* object, std::uint64_t argument) = nullptr;
  void* object = nullptr;
  std::uint64_t argument = 0;

  void operator()() const { call(object, argument); }
};

template <auto Method, class T>
Handler handler(T& object, std::uint64_t argument) {
  return {[](void* target, std::uint64_t value) {
            if constexpr (std::is_invocable_v<decltype(Method), T&, std::uint64_t>) {
              (static_cast<T*>(target)->*Method)(value);
            } else {
              (static_cast<T*>(target)->*Method)();
            }
          },
          &object, argument};
}

}  // namespace perf
