#include "sim/distribution.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "sim/distribution_table.h"
#include "sim/statistics.h"

using namespace std::chrono_literals;
using sim::Distribution;
using sim::Nanos;

namespace {

std::vector<std::int64_t> sorted_draws(const Distribution& distribution, int n, std::uint64_t seed = 1) {
  sim::Stream stream = sim::Rng{seed}.stream("draws");
  std::vector<std::int64_t> values;
  for (int i = 0; i < n; ++i) {
    values.push_back(distribution.sample(stream).count());
  }
  std::sort(values.begin(), values.end());
  return values;
}

double mean_of(const std::vector<std::int64_t>& values) {
  double sum = 0;
  for (const std::int64_t value : values) {
    sum += static_cast<double>(value);
  }
  return sum / static_cast<double>(values.size());
}

double deviation_of(const std::vector<std::int64_t>& values) {
  const double mean = mean_of(values);
  double squares = 0;
  for (const std::int64_t value : values) {
    squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  }
  return std::sqrt(squares / static_cast<double>(values.size()));
}

// What a capture may look like: 80 % around 9 us, the rest around 40 us, with a heavy tail.
std::vector<Nanos> captured(int n, std::uint64_t seed = 7) {
  const auto shape = Distribution::mixture({{0.8, Distribution::lognormal(9us, 0.3)},
                                            {0.19, Distribution::lognormal(40us, 0.2)},
                                            {0.01, Distribution::pareto(100us, 1.5)}});
  std::vector<Nanos> samples;
  for (const std::int64_t value : sorted_draws(shape, n, seed)) {
    samples.emplace_back(value);
  }
  return samples;
}

// Every kind, with a spread of at least some hundred microseconds: rounding to whole nanoseconds then
// changes no probability by more than the noise.
std::vector<Distribution> one_of_each_kind() {
  return {
      Distribution::exponential(1ms),
      Distribution::lognormal(1ms, 0.8),
      Distribution::lognormal_p99(1ms, 20ms),
      Distribution::gamma(1ms, 0.3),
      Distribution::gamma(1ms, 2.5),
      Distribution::weibull(1ms, 0.7),
      Distribution::weibull(1ms, 3),
      Distribution::pareto(1ms, 2.5),
      Distribution::uniform(1ms, 5ms),
      Distribution::empirical(captured(3000)).scaled(100),
      Distribution::quantiles({{0, 1ms}, {0.5, 2ms}, {0.5, 3ms}, {0.99, 7ms}, {1, 90ms}}),
      Distribution::histogram({{1ms, 2ms, 5}, {2ms, 4ms, 40}, {8ms, 16ms, 5}}),
      Distribution::mixture({{3, Distribution::exponential(1ms)}, {1, Distribution::uniform(4ms, 5ms)}}),
      Distribution::exponential(1ms).shifted(-500us),
      Distribution::exponential(1ms).scaled(2).shifted(700us),
      Distribution::gamma(1ms, 0.5).shifted(-800us).shifted(300us),
  };
}

}  // namespace

TEST_CASE("a constant is always itself and draws nothing", "[distribution]") {
  sim::Stream stream = sim::Rng{1}.stream("s");
  sim::Stream untouched = stream;

  CHECK(Distribution::constant(9us).sample(stream) == 9us);
  CHECK(Distribution::constant(9us).is_constant());
  CHECK(Distribution::constant(9us).mean_ns() == 9000);
  CHECK(Distribution::constant(9us).quantile(0.3) == 9us);
  CHECK(stream.next() == untouched.next());
}

TEST_CASE("draws of every kind follow its own CDF", "[distribution]") {
  for (const Distribution& distribution : one_of_each_kind()) {
    CAPTURE(distribution.describe());
    const auto values = sorted_draws(distribution, 200'000);

    CHECK(sim::ks_statistic(values, distribution) < sim::ks_critical_value(values.size(), 0.001));
  }
}

TEST_CASE("the mean of every kind is the mean of its draws", "[distribution]") {
  for (const Distribution& distribution : one_of_each_kind()) {
    CAPTURE(distribution.describe());
    const auto values = sorted_draws(distribution, 400'000);

    const double standard_error = deviation_of(values) / std::sqrt(static_cast<double>(values.size()));
    CHECK(std::abs(mean_of(values) - distribution.mean_ns()) < 4 * standard_error);
  }
}

TEST_CASE("the quantile function of every kind inverts its CDF", "[distribution]") {
  for (const Distribution& distribution : one_of_each_kind()) {
    for (const double p : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.99999}) {
      CAPTURE(distribution.describe(), p);
      const double value = distribution.quantile_ns(p);
      CHECK(distribution.cdf(value * (1 + 1e-9)) >= p - 1e-9);
      CHECK((distribution.cdf(value * (1 - 1e-6)) <= p || value == distribution.quantile_ns(0)));
    }
  }
}

TEST_CASE("closed forms give the textbook quantiles and means", "[distribution]") {
  CHECK(Distribution::exponential(1ms).quantile_ns(0.5) == Approx(1e6 * std::log(2)));
  CHECK(Distribution::lognormal_p99(9us, 25us).quantile(0.5) == 9us);
  CHECK(Distribution::lognormal_p99(9us, 25us).quantile(0.99) == 25us);
  CHECK(Distribution::lognormal(1ms, 0.5).mean_ns() == Approx(1e6 * std::exp(0.125)));
  CHECK(Distribution::weibull(1ms, 2).quantile_ns(0.9) == Approx(1e6 * std::sqrt(std::log(10))));
  CHECK(Distribution::weibull(1ms, 2).mean_ns() == Approx(1e6 * std::sqrt(M_PI) / 2));
  CHECK(Distribution::pareto(1ms, 2).quantile_ns(0.99) == Approx(1e7));
  CHECK(Distribution::pareto(1ms, 2).mean_ns() == Approx(2e6));
  CHECK(Distribution::pareto(1ms, 1).mean_ns() == std::numeric_limits<double>::infinity());
  CHECK(Distribution::gamma(1ms, 1).quantile_ns(0.99) == Approx(1e6 * std::log(100)));
  CHECK(Distribution::uniform(1ms, 3ms).quantile(0.75) == 2500us);
}

// Independent of our own CDFs: moments of the ziggurats' output, 4 standard errors wide.
TEST_CASE("draws have the moments of the distribution", "[distribution]") {
  constexpr int n = 1'000'000;
  SECTION("exponential: deviation equals mean") {
    const auto values = sorted_draws(Distribution::exponential(1ms), n);
    CHECK(mean_of(values) == Approx(1e6).epsilon(0.004));
    CHECK(deviation_of(values) == Approx(1e6).epsilon(0.006));
  }
  SECTION("gamma: deviation is cv times mean") {
    const auto values = sorted_draws(Distribution::gamma(1ms, 0.25), n);
    CHECK(mean_of(values) == Approx(1e6).epsilon(0.001));
    CHECK(deviation_of(values) == Approx(0.25e6).epsilon(0.004));
  }
  SECTION("lognormal: the logarithm is normal") {
    const auto values = sorted_draws(Distribution::lognormal(1ms, 0.5), n);
    double sum = 0;
    double squares = 0;
    double fourth = 0;
    for (const std::int64_t value : values) {
      const double z = std::log(static_cast<double>(value) / 1e6) / 0.5;
      sum += z;
      squares += z * z;
      fourth += z * z * z * z;
    }
    CHECK(std::abs(sum / n) < 0.004);
    CHECK(squares / n == Approx(1).epsilon(0.006));
    CHECK(fourth / n == Approx(3).epsilon(0.014));
  }
}

TEST_CASE("the tails beyond the ziggurats' last layer are drawn in full", "[distribution]") {
  constexpr int n = 4'000'000;
  // P(E > 8) = e^-8 and P(Z > 3.8) = 7.2348e-5: both beyond the last layer.
  const auto exponential = sorted_draws(Distribution::exponential(1s), n);
  const auto normal = sorted_draws(Distribution::lognormal(1s, 1), n);

  const auto above = [](const std::vector<std::int64_t>& values, double ns) {
    return static_cast<double>(values.end() -
                               std::upper_bound(values.begin(), values.end(), std::int64_t(ns)));
  };
  const double expected_exponential = n * std::exp(-8);
  const double expected_normal = n * 7.2348e-5;
  CHECK(std::abs(above(exponential, 8e9) - expected_exponential) < 4 * std::sqrt(expected_exponential));
  CHECK(std::abs(above(normal, 1e9 * std::exp(3.8)) - expected_normal) < 4 * std::sqrt(expected_normal));
}

TEST_CASE("an empirical distribution keeps every percentile of its samples to 0.2 %", "[distribution]") {
  for (const int n : {1, 2, 10, 500, 3000, 200'000}) {
    const auto samples = captured(n);
    const Distribution table = Distribution::empirical(samples);

    for (std::size_t i = 0; i < samples.size(); i += samples.size() / 500 + 1) {
      const double middle_of_step = (static_cast<double>(i) + 0.5) / n;
      const auto exact = static_cast<double>(samples[i].count());
      CAPTURE(n, i);
      CHECK(std::abs(table.quantile_ns(middle_of_step) - exact) <= std::max(0.25, 0.002 * exact) + 1e-6);
    }
    CHECK(table.quantile(0) == samples.front());
    CHECK(table.quantile(1) == samples.back());
  }
}

TEST_CASE("the p99.9 of 3000 samples is theirs, not smoothed", "[distribution]") {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    const auto samples = captured(3000, seed);
    const Distribution table = Distribution::empirical(samples);

    CHECK(static_cast<double>(table.quantile(0.999).count()) ==
          Approx(static_cast<double>(samples[2996].count())).epsilon(0.0021));

    // A draw's rank is uncertain by four standard errors, 4 sqrt(0.999 0.001 / n): +-0.38 ranks of 3000.
    // Between two steps, then, only the step's own sample can come out.
    const auto values = sorted_draws(table, 1'000'000, seed);
    const std::int64_t drawn = sim::percentile(values, (2996.5) / 3000);
    CHECK(static_cast<double>(drawn) == Approx(static_cast<double>(samples[2996].count())).epsilon(0.01));
  }
}

TEST_CASE("an empirical distribution has its samples' mean", "[distribution]") {
  const auto samples = captured(3000);
  double sum = 0;
  for (const Nanos sample : samples) {
    sum += static_cast<double>(sample.count());
  }

  CHECK(Distribution::empirical(samples).mean_ns() == Approx(sum / 3000).epsilon(0.001));
}

TEST_CASE("samples in whole microseconds stay whole microseconds", "[distribution]") {
  std::vector<Nanos> samples;
  for (const Nanos sample : captured(3000)) {
    samples.push_back(sample / 1000 * 1000);
  }
  const auto values = sorted_draws(Distribution::empirical(samples), 10'000);

  CHECK(std::count_if(values.begin(), values.end(), [](std::int64_t ns) { return ns % 1000 != 0; }) == 0);
}

TEST_CASE("a large sample's table stays small", "[distribution]") {
  CHECK(sim::distribution_detail::pieces_of_samples(captured(200'000)).size() < 2000);
}

TEST_CASE("bins are drawn in proportion to their counts, evenly inside", "[distribution]") {
  const auto values = sorted_draws(Distribution::histogram({{0us, 10us, 1}, {20us, 40us, 3}}), 400'000);

  const auto share_below = [&](Nanos limit) {
    const auto end = std::lower_bound(values.begin(), values.end(), limit.count());
    return static_cast<double>(end - values.begin()) / 400'000;
  };
  CHECK(share_below(5us) == Approx(0.125).margin(0.003));
  CHECK(share_below(10us) == Approx(0.25).margin(0.003));
  CHECK(share_below(20us) == Approx(0.25).margin(0.003));
  CHECK(share_below(30us) == Approx(0.625).margin(0.003));
}

TEST_CASE("shifting clamps at zero, once and for all", "[distribution]") {
  const Distribution spread = Distribution::uniform(0us, 10us);

  CHECK(spread.shifted(-4us).quantile(0.2) == 0us);
  CHECK(spread.shifted(-4us).quantile(0.9) == 5us);
  CHECK(spread.shifted(-4us).shifted(4us).quantile(0.2) == 4us);
  CHECK(spread.shifted(-4us).scaled(2).quantile(0.9) == 10us);
  CHECK(spread.scaled(0).is_constant());
  CHECK(Distribution::constant(3us).shifted(-5us).quantile(0.5) == 0us);
  // E max(U - 4, 0) for U uniform on (0, 10): 6^2 / 20.
  CHECK(spread.shifted(-4us).mean_ns() == Approx(1800).epsilon(1e-6));
}

TEST_CASE("a mixture draws each part as often as its weight says", "[distribution]") {
  const auto values = sorted_draws(Distribution::mixture({{7, Distribution::constant(1us)},
                                                          {0, Distribution::constant(2us)},
                                                          {3, Distribution::constant(5us)}}),
                                   100'000);

  const auto ones = std::upper_bound(values.begin(), values.end(), 1000) - values.begin();
  CHECK(std::abs(static_cast<double>(ones) - 70'000) < 4 * 145);
  CHECK(values.back() == 5000);
  CHECK(std::find(values.begin(), values.end(), 2000) == values.end());
}

TEST_CASE("tables and uniforms take one number a draw, whatever their values", "[distribution]") {
  for (const Distribution& distribution :
       {Distribution::uniform(1us, 2us), Distribution::empirical(captured(100)),
        Distribution::histogram({{1us, 2us, 3}, {4us, 5us, 6}}),
        Distribution::quantiles({{0, 1us}, {1, 2us}})}) {
    sim::Stream stream = sim::Rng{1}.stream("s");
    sim::Stream reference = stream;
    for (int i = 0; i < 100; ++i) {
      distribution.sample(stream);
      reference.next();
    }
    CHECK(stream.next() == reference.next());
  }
}

TEST_CASE("the same stream gives scaled distributions proportional draws", "[distribution]") {
  const Distribution slow = Distribution::lognormal(20ms, 0.5);
  const auto a = sorted_draws(Distribution::lognormal(10ms, 0.5), 10'000);
  const auto b = sorted_draws(slow, 10'000);

  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(std::abs(b[i] - 2 * a[i]) <= 1);
  }
}

TEST_CASE("the first draws of every kind stay what they are", "[distribution][golden]") {
  sim::Stream stream = sim::Rng{1}.stream("golden");
  std::vector<std::int64_t> drawn;
  for (const Distribution& distribution : one_of_each_kind()) {
    drawn.push_back(distribution.sample(stream).count());
    drawn.push_back(distribution.sample(stream).count());
  }

  const std::vector<std::int64_t> kept{1434311, 391045,  1327190, 1586346, 284023,  598166,  597714,  531924,
                                       36823,   1322,    433550,  202066,  817619,  562111,  1203795, 2787169,
                                       3264314, 3082156, 490236,  527832,  1417173, 5147785, 2930894, 2490503,
                                       1595418, 1562111, 0,       1808390, 4739340, 6109572, 397897,  300000};
  CHECK(drawn == kept);
}

TEST_CASE("a distribution describes itself in the units a reader would choose", "[distribution]") {
  CHECK(Distribution::constant(812ns).describe() == "constant(812ns)");
  CHECK(Distribution::lognormal_p99(9us, 25us).describe() == "lognormal(median 9us, p99 25us)");
  CHECK(Distribution::gamma(2500us, 0.5).describe() == "gamma(mean 2.5ms, cv 0.5)");
  CHECK(Distribution::uniform(1us, 2s).describe() == "uniform(1us, 2s)");
  CHECK(Distribution::exponential(5us).scaled(2).shifted(-3us).describe() == "exponential(mean 10us) - 3us");
  CHECK(Distribution::quantiles({{0, 1us}, {1, 3us}}).describe() ==
        "quantiles(2 points, median 2us, p99 2.98us, max 3us)");
  CHECK(Distribution::mixture({{1, Distribution::constant(1us)}, {3, Distribution::exponential(2us)}})
            .describe() == "mixture(0.25 constant(1us), 0.75 exponential(mean 2us))");
}
