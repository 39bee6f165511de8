// Why a capture cannot be made, once bpftrace has been tried.
#pragma once

#include <string>

#include "calibration/capture/tracer.h"

namespace calibration {

// Throws scenarios::InputError with what the tracer itself said.
[[noreturn]] void no_tracing(const TracerProcess& tracer, const std::string& what);

// Throws scenarios::InputError where `path` exists.
void refuse_existing(const std::string& path);

}  // namespace calibration
