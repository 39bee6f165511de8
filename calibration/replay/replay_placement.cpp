#include "calibration/replay/replay_placement.h"

#include "scenarios/input_error.h"

namespace calibration {
namespace {

using Policy = std::variant<models::KernelDefault, models::PackOnRunning>;

Policy make(const models::PolicyConfig& config, models::RunQueues& queues) {
  if (config.name == models::KernelDefault::name) {
    return Policy{std::in_place_type<models::KernelDefault>, queues, config};
  }
  if (config.name == models::PackOnRunning::name) {
    return Policy{std::in_place_type<models::PackOnRunning>, queues, config};
  }
  throw scenarios::InputError{{.file = "--placement",
                               .found = scenarios::quoted(config.name),
                               .expected = "kernel_default or pack_on_running"}};
}

}  // namespace

ReplayPlacement::ReplayPlacement(const models::PolicyConfig& config, models::RunQueues& queues)
    : policy_{make(config, queues)} {}

}  // namespace calibration
