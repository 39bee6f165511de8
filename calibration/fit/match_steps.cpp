#include "calibration/fit/match_steps.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlopt.hpp>

#include "calibration/fit/tabulate.h"
#include "scenarios/experiment.h"
#include "sim/check.h"
#include "sim/math.h"
#include "sim/rng.h"
#include "sim/statistics.h"

namespace calibration {
namespace {

constexpr double huber_limit = 3;
constexpr double softening_ns = 1000;
constexpr int bootstrap_draws = 200;

double huber(double r) {
  const double size = std::abs(r);
  return size <= huber_limit ? r * r / 2 : huber_limit * (size - huber_limit / 2);
}

double distance(double simulated_ns, double measured_ns) {
  return sim::log((simulated_ns + softening_ns) / (measured_ns + softening_ns));
}

// Linear within the bucket: the loss should move with every cost, however little.
double smooth_quantile(const sim::Histogram& values, double p) {
  const double rank = p * static_cast<double>(values.count());
  double below = 0;
  double found = 0;
  values.for_each([&](std::int64_t low, std::int64_t high, std::uint64_t count) {
    const auto here = static_cast<double>(count);
    if (below < rank) {
      const double share = std::min(1.0, (rank - below) / here);
      found = static_cast<double>(low) + share * static_cast<double>(high - low);
    }
    below += here;
  });
  return found;
}

// Coordinates: each free cost between 0 (its lowest) and 1; factors on a logarithmic scale.
double adjustment_at(const FreeCost& free, double x) {
  return free.adjust == Adjust::scale ? sim::exp(sim::log(free.low) + x * sim::log(free.high / free.low))
                                      : free.low + x * (free.high - free.low);
}
double start_of(const FreeCost& free) {
  return free.adjust == Adjust::scale ? -sim::log(free.low) / sim::log(free.high / free.low)
                                      : -free.low / (free.high - free.low);
}

void adjust(scenarios::ProfileCost& cost, Adjust how, double by) {
  const sim::Distribution& value = cost.value.value;
  cost.value = tabulated(how == Adjust::scale ? value.scaled(by)
                                              : value.shifted(sim::Nanos{static_cast<std::int64_t>(by)}));
}

class Problem {
 public:
  Problem(const scenarios::Profile& start, const std::vector<StepLoad>& loads,
          const std::vector<FreeCost>& free, const MatchStepsOptions& options)
      : start_{start}, loads_{loads}, free_{free}, options_{options}, targets_{step_targets(loads)} {
    variants_.resize(loads.size());
    for (std::size_t i = 0; i < loads.size(); ++i) {
      variants_[i].host = loads[i].host;
    }
  }

  scenarios::Profile profile_at(const std::vector<double>& x) const;
  // Simulated quantiles, in the order of targets().
  std::vector<double> simulate(const std::vector<double>& x);
  double loss(const std::vector<double>& simulated) const;
  const std::vector<StepTarget>& targets() const { return targets_; }
  int simulations() const { return simulations_; }
  bool stopped() const { return options_.stop != nullptr && *options_.stop; }

 private:
  const scenarios::Profile& start_;
  const std::vector<StepLoad>& loads_;
  const std::vector<FreeCost>& free_;
  const MatchStepsOptions& options_;
  std::vector<StepTarget> targets_;
  std::vector<scenarios::Variant> variants_;
  int simulations_ = 0;
};

scenarios::Profile Problem::profile_at(const std::vector<double>& x) const {
  scenarios::Profile profile = start_;
  for (std::size_t i = 0; i < free_.size(); ++i) {
    const double by = adjustment_at(free_[i], x[i]);
    adjust(*profile[free_[i].cost], free_[i].adjust, by);
    for (const models::Cost cost : free_[i].also) {
      adjust(*profile[cost], free_[i].adjust, by);
    }
  }
  return profile;
}

double busy_share(const models::Metrics& metrics, int cpus) {
  const auto all = static_cast<double>(metrics.measured.count()) * cpus;
  return all > 0 ? 1 - static_cast<double>(metrics[models::Counter::cpu_idle_ns]) / all : 0;
}

std::vector<double> Problem::simulate(const std::vector<double>& x) {
  const models::Costs costs = scenarios::costs_of(profile_at(x));
  std::vector<const scenarios::Variant*> variants;
  for (scenarios::Variant& variant : variants_) {
    variant.host.costs = costs;
    variants.push_back(&variant);
  }
  const scenarios::ExperimentResult result =
      scenarios::run_experiment(variants, {.run = {.seed = options_.seed,
                                                   .warmup = options_.warmup,
                                                   .duration = options_.duration,
                                                   .replications = options_.replications},
                                           .jobs = options_.jobs,
                                           .stop = options_.stop});
  ++simulations_;
  std::vector<double> values;
  for (const StepTarget& target : targets_) {
    const models::Metrics& metrics = result.variants[target.load].merged;
    values.push_back(target.p == 0 ? 1e9 * busy_share(metrics, loads_[target.load].host.topology.cpus)
                                   : smooth_quantile(metrics[target.column], target.p));
  }
  return values;
}

double Problem::loss(const std::vector<double>& simulated) const {
  double sum = 0;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    sum += huber(distance(simulated[i], targets_[i].measured_ns) / targets_[i].noise);
  }
  return sum;
}

// d residual / d x, by differences towards the inside.
Eigen::MatrixXd jacobian(Problem& problem, const std::vector<double>& x, const std::vector<double>& here) {
  constexpr double reach = 0.04;
  const auto& targets = problem.targets();
  Eigen::MatrixXd slopes(static_cast<Eigen::Index>(targets.size()), static_cast<Eigen::Index>(x.size()));
  for (std::size_t k = 0; k < x.size(); ++k) {
    std::vector<double> moved = x;
    const double by = x[k] + reach <= 1 ? reach : -reach;
    moved[k] += by;
    const std::vector<double> there = problem.simulate(moved);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const double change =
          distance(there[i], targets[i].measured_ns) - distance(here[i], targets[i].measured_ns);
      slopes(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(k)) = change / by / targets[i].noise;
    }
  }
  return slopes;
}

// Where Huber's weights and a damping that holds weakly determined costs back would go from here.
Eigen::VectorXd gauss_newton_step(const Problem& problem, const Eigen::MatrixXd& slopes,
                                  const std::vector<double>& here) {
  const auto& targets = problem.targets();
  Eigen::VectorXd residuals(slopes.rows());
  Eigen::VectorXd weights(slopes.rows());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const double r = distance(here[i], targets[i].measured_ns) / targets[i].noise;
    residuals(static_cast<Eigen::Index>(i)) = r;
    weights(static_cast<Eigen::Index>(i)) = std::abs(r) <= huber_limit ? 1 : huber_limit / std::abs(r);
  }
  Eigen::MatrixXd information = slopes.transpose() * weights.asDiagonal() * slopes;
  information.diagonal() *= 1.02;
  information.diagonal().array() += 1.0;
  return -information.ldlt().solve(slopes.transpose() * weights.asDiagonal() * residuals);
}

std::vector<double> moved_by(const std::vector<double>& x, const Eigen::VectorXd& step, double share) {
  std::vector<double> moved = x;
  for (std::size_t k = 0; k < x.size(); ++k) {
    moved[k] = std::clamp(x[k] + share * step(static_cast<Eigen::Index>(k)), 0.0, 1.0);
  }
  return moved;
}

// Steps while they lower the loss; each is halved until it does, three times at most.
std::vector<double> descended(Problem& problem, std::vector<double> x, std::vector<double> here) {
  constexpr int rounds = 8;
  constexpr double enough = 0.005;  // of the loss
  double loss = problem.loss(here);
  for (int round = 0; round < rounds && !problem.stopped(); ++round) {
    const Eigen::VectorXd step = gauss_newton_step(problem, jacobian(problem, x, here), here);
    const double before = loss;
    for (double share = 1; share > 0.1; share /= 2) {
      std::vector<double> moved = moved_by(x, step, share);
      std::vector<double> there = problem.simulate(moved);
      if (const double reached = problem.loss(there); reached < loss) {
        loss = reached;
        x = std::move(moved);
        here = std::move(there);
        break;
      }
    }
    if (loss > before * (1 - enough)) {
      break;
    }
  }
  return x;
}

std::vector<double> optimum(Problem& problem, std::size_t parameters, const std::vector<double>& start,
                            const MatchStepsOptions& options) {
  nlopt::opt search{nlopt::LN_BOBYQA, static_cast<unsigned>(parameters)};
  search.set_lower_bounds(0.0);
  search.set_upper_bounds(1.0);
  search.set_initial_step(0.03);
  search.set_maxeval(options.evaluations);
  search.set_xtol_abs(2e-3);
  struct State {
    Problem& problem;
    const MatchStepsOptions& options;
    double best = std::numeric_limits<double>::infinity();
    std::vector<double> at;
  } state{problem, options, std::numeric_limits<double>::infinity(), start};
  const auto objective = [](const std::vector<double>& x, std::vector<double>&, void* data) {
    State& current = *static_cast<State*>(data);
    if (current.problem.stopped()) {
      throw nlopt::forced_stop{};
    }
    const double loss = current.problem.loss(current.problem.simulate(x));
    if (loss < current.best) {
      current.best = loss;
      current.at = x;
    }
    if (current.options.progress) {
      current.options.progress(current.problem.simulations(), current.best);
    }
    return loss;
  };
  search.set_min_objective(objective, &state);
  std::vector<double> x = start;
  double found = 0;
  try {
    search.optimize(x, found);
  } catch (const nlopt::roundoff_limited&) {  // as near as the simulation's own steps allow
  } catch (const nlopt::forced_stop&) {       // what was best so far stands
  }
  return state.at;
}

double condition_of(const Eigen::MatrixXd& information) {
  Eigen::MatrixXd unit = information;
  for (Eigen::Index i = 0; i < unit.rows(); ++i) {
    for (Eigen::Index j = 0; j < unit.cols(); ++j) {
      const double size = std::sqrt(information(i, i) * information(j, j));
      unit(i, j) = size > 0 ? information(i, j) / size : (i == j ? 1 : 0);
    }
  }
  const Eigen::VectorXd values = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>{unit}.eigenvalues();
  return values.minCoeff() > 0 ? values.maxCoeff() / values.minCoeff()
                               : std::numeric_limits<double>::infinity();
}

// Standard errors in x: each draw's measured quantiles move the optimum by one Gauss-Newton step.
Eigen::VectorXd bootstrap_errors(const Problem& problem, const Eigen::MatrixXd& slopes) {
  const auto& targets = problem.targets();
  Eigen::MatrixXd information = slopes.transpose() * slopes;
  information.diagonal().array() += 1e-9;
  const Eigen::LDLT<Eigen::MatrixXd> solver{information};
  sim::Stream stream = sim::Rng{1}.stream("bootstrap");
  Eigen::MatrixXd moves(bootstrap_draws, slopes.cols());
  for (int draw = 0; draw < bootstrap_draws; ++draw) {
    Eigen::VectorXd change(slopes.rows());
    std::vector<std::size_t> picks;
    std::size_t load = targets.size();
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const std::vector<double>& values = targets[i].by_repetition_ns;
      if (targets[i].load != load) {  // one draw of repetitions for all columns of a load
        load = targets[i].load;
        picks.clear();
        for (std::size_t n = 0; n < values.size(); ++n) {
          picks.push_back(static_cast<std::size_t>(stream.below(values.size())));
        }
      }
      double drawn = 0;
      for (const std::size_t pick : picks) {
        drawn += values[pick];
      }
      const double mean = sim::mean(values);
      change(static_cast<Eigen::Index>(i)) =
          -distance(drawn / static_cast<double>(picks.size()), mean) / targets[i].noise;
    }
    moves.row(draw) = -solver.solve(slopes.transpose() * change).transpose();
  }
  const Eigen::VectorXd centre = moves.colwise().mean();
  return ((moves.rowwise() - centre.transpose()).array().square().colwise().sum() / (bootstrap_draws - 1))
      .sqrt();
}

// In the cost's own unit, to first order.
double own_unit(const FreeCost& free, double x, double error) {
  return free.adjust == Adjust::scale ? adjustment_at(free, x) * sim::log(free.high / free.low) * error
                                      : (free.high - free.low) * error;
}

}  // namespace

StepMatch match_steps(scenarios::Profile& profile, const std::vector<StepLoad>& loads,
                      const std::vector<FreeCost>& free, const MatchStepsOptions& options) {
  StepMatch match;
  if (free.empty() || loads.empty()) {
    return match;
  }
  for (const StepLoad& load : loads) {
    match.loads.push_back(load.name);
  }
  const scenarios::Profile before = profile;
  Problem problem{before, loads, free, options};
  std::vector<double> start;
  for (const FreeCost& each : free) {
    start.push_back(std::clamp(start_of(each), 0.0, 1.0));
  }
  const std::vector<double> first = problem.simulate(start);
  match.loss_before = problem.loss(first);
  std::vector<double> x = descended(problem, start, first);
  if (free.size() > 1) {  // BOBYQA wants two
    x = optimum(problem, free.size(), x, options);
  }
  std::vector<double> here = problem.simulate(x);
  const Eigen::MatrixXd slopes = jacobian(problem, x, here);
  match.condition = condition_of(slopes.transpose() * slopes);
  const Eigen::VectorXd errors = bootstrap_errors(problem, slopes);
  std::uint64_t count = 0;
  for (const StepLoad& load : loads) {
    for (const std::vector<StepRow>& rows : load.repetitions) {
      count += rows.size();
    }
  }
  constexpr double widest = 0.25;  // of the range between the bounds
  for (std::size_t k = 0; k < free.size(); ++k) {
    const auto column = static_cast<Eigen::Index>(k);
    const bool identified = slopes.col(column).norm() > 1 && errors(column) < widest;
    if (!identified) {
      x[k] = start[k];
    }
    match.costs.push_back({.free = free[k],
                           .adjustment = adjustment_at(free[k], x[k]),
                           .standard_error = own_unit(free[k], x[k], errors(column)),
                           .identified = identified,
                           .count = count});
  }
  profile = problem.profile_at(x);
  here = problem.simulate(x);
  match.loss_after = problem.loss(here);
  for (std::size_t i = 0; i < problem.targets().size(); ++i) {
    match.targets.push_back({problem.targets()[i], first[i], here[i]});
  }
  match.simulations = problem.simulations();
  return match;
}

}  // namespace calibration
