#include "calibration/capture/machine_topology.h"

#include "calibration/topology/topology.h"

namespace calibration {

std::string machine_topology() { return topology_yaml(read_topology()); }

}  // namespace calibration
