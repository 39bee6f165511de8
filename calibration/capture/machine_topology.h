// This machine's topology as a capture stores it.
#pragma once

#include <string>

namespace calibration {

std::string machine_topology();  // YAML, calibration/topology/topology.h

}  // namespace calibration
