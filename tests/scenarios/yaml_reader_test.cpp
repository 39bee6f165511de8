#include "scenarios/yaml_reader.h"

#include <catch2/catch.hpp>

#include "scenarios/distribution_yaml.h"

using namespace scenarios;
using namespace sim;

namespace {

enum class Colour { red, green };
template <class Visitor>
void enumerators(Colour*, Visitor&& named) {
  named("red", Colour::red);
  named("green", Colour::green);
}

struct Inner {
  Nanos time{0};
  std::vector<int> cpus;
};
template <class Visitor>
void fields(Inner& config, Visitor&& field) {
  field("time", config.time);
  field("cpus", config.cpus);
}

struct Item {
  std::string name;
  int count = 1;
};
template <class Visitor>
void fields(Item& config, Visitor&& field) {
  field("name", config.name);
  field("count", config.count);
}

struct Everything {
  bool flag = false;
  int whole = 0;
  double real = 0;
  std::string text;
  Bytes size{0};
  BytesPerSecond rate{0};
  Colour colour = Colour::red;
  Inner inner;
  std::vector<Item> items;
  Distribution service = Distribution::constant(Nanos{0});
};
template <class Visitor>
void fields(Everything& config, Visitor&& field) {
  field("flag", config.flag);
  field("whole", config.whole);
  field("real", config.real);
  field("text", config.text);
  field("size", config.size);
  field("rate", config.rate);
  field("colour", config.colour);
  field("inner", config.inner);
  field("items", config.items);
  field("service", config.service);
}

Everything read(const std::string& text) {
  Yaml root = parse_yaml(text, "t.yaml", "a test");
  label_addresses(root);
  Everything result;
  read_value(root, result);
  return result;
}

std::string trouble(const std::string& text) {
  try {
    read(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

Distribution distribution(const std::string& text) { return read("service: " + text).service; }

}  // namespace

TEST_CASE("fields are read by their type, and those not given keep their defaults", "[yaml_reader]") {
  const Everything config = read(
      "flag: true\nwhole: -3\nreal: 0.5\ntext: hello\nsize: 4KiB\nrate: 2Gbit/s\ncolour: green\n"
      "inner: {time: 5us, cpus: [0, 2, 4-6]}\nitems: [{name: a, count: 2}, {name: b}]\n");

  CHECK(config.flag);
  CHECK(config.whole == -3);
  CHECK(config.real == 0.5);
  CHECK(config.text == "hello");
  CHECK(config.size == Bytes{4096});
  CHECK(config.rate == BytesPerSecond{250'000'000});
  CHECK(config.colour == Colour::green);
  CHECK(config.inner.time == 5us);
  CHECK(config.inner.cpus == std::vector<int>{0, 2, 4, 5, 6});
  REQUIRE(config.items.size() == 2);
  CHECK(config.items[0].count == 2);
  CHECK(config.items[1].count == 1);
  CHECK(read("inner: {cpus: 1-3}").inner.cpus == std::vector<int>{1, 2, 3});
}

TEST_CASE("an unknown key is refused with the nearest known one, or with all", "[yaml_reader]") {
  CHECK(trouble("inner:\n  tiem: 5us\n") ==
        "t.yaml:2:3: found unknown key 'tiem' in inner; did you mean 'time'?");
  CHECK(trouble("inner:\n  weather: 5us\n") ==
        "t.yaml:2:3: found unknown key 'weather' in inner, expected one of time, cpus");
}

TEST_CASE("a value of the wrong type is refused at the value", "[yaml_reader]") {
  CHECK(trouble("whole: many") == "t.yaml:1:8: found 'many' for whole, expected a whole number");
  CHECK(trouble("whole: 1.5") == "t.yaml:1:8: found '1.5' for whole, expected a whole number");
  CHECK_THAT(trouble("whole: 99999999999"), Catch::Contains("out of range"));
  CHECK(trouble("whole: [1]") == "t.yaml:1:8: found a list for whole, expected a whole number");
  CHECK(trouble("flag: yes") == "t.yaml:1:7: found 'yes' for flag, expected true or false");
  CHECK(trouble("real: fast") == "t.yaml:1:7: found 'fast' for real, expected a number");
  CHECK(trouble("inner: 5") == "t.yaml:1:8: found '5' for inner, expected keys with values");
  CHECK(trouble("items: {name: a}") == "t.yaml:1:8: found a map for items, expected a list, [...]");
  CHECK_THAT(trouble("whole:\nflag: true"), Catch::Contains("found nothing for whole"));
  CHECK_THAT(trouble("inner: {cpus: [5-2]}"), Catch::Contains("a range such as 4-7"));
}

TEST_CASE("a time without a unit is refused", "[yaml_reader]") {
  CHECK(trouble("inner: {time: 50}") ==
        "t.yaml:1:15: found missing unit in '50' for inner.time, expected a time with its unit "
        "(ns, us, ms, s); for example '50ns'");
}

TEST_CASE("a bad enumerator is answered with the good ones", "[yaml_reader]") {
  CHECK(trouble("colour: gren") ==
        "t.yaml:1:9: found 'gren' for colour, expected one of red, green; did you mean 'green'?");
  CHECK_THAT(trouble("colour: [red]"), Catch::Contains("found a list for colour"));
}

TEST_CASE("elements of a named list need a name, a plain one, each once", "[yaml_reader]") {
  CHECK_THAT(trouble("items: [{count: 1}]"), Catch::Contains("no key 'name' in items.0"));
  CHECK_THAT(trouble("items: [{name: a}, {name: a}]"), Catch::StartsWith("t.yaml:1:27: found a second 'a'"));
  CHECK_THAT(trouble("items: [{name: a.b}]"), Catch::Contains("letters, digits"));
}

TEST_CASE("every form of distribution is read", "[yaml_reader]") {
  CHECK(distribution("50us").quantile(0.5) == 50us);
  CHECK(distribution("{constant: 5us}").quantile(0.5) == 5us);
  CHECK(distribution("{exponential: {mean: 300us}}").mean_ns() == Approx(300'000));
  CHECK(distribution("{lognormal: {median: 9us, p99: 25us}}").quantile_ns(0.99) ==
        Approx(25'000).epsilon(1e-6));
  CHECK(distribution("{lognormal: {median: 9us, sigma: 0.4}}").quantile(0.5) == 9us);
  CHECK(distribution("{gamma: {mean: 4us, cv: 0.5}}").mean_ns() == Approx(4'000));
  CHECK(distribution("{weibull: {scale: 2us, shape: 1}}").mean_ns() == Approx(2'000));
  CHECK(distribution("{pareto: {minimum: 1us, shape: 2}}").mean_ns() == Approx(2'000));
  CHECK(distribution("{uniform: {low: 1us, high: 3us}}").mean_ns() == Approx(2'000));
  CHECK(distribution("{quantiles: [[0, 1us], [0.5, 3us], [1, 20us]]}").quantile(0.5) == 3us);
  CHECK(distribution("{histogram: [[1us, 2us, 3], [2us, 4us, 1]]}").quantile(1.0) == 4us);
  CHECK(distribution("{mixture: [{weight: 1, of: 1us}, {weight: 3, of: {constant: 5us}}]}").mean_ns() ==
        Approx(4'000));
}

TEST_CASE("a distribution with impossible parameters is refused", "[yaml_reader]") {
  CHECK_THAT(trouble("service: {lognormals: {median: 9us}}"), Catch::Contains("did you mean 'lognormal'?"));
  CHECK_THAT(trouble("service: {lognormal: {median: 9us}}"), Catch::Contains("no key 'p99'"));
  CHECK_THAT(trouble("service: {lognormal: {median: 9us, p99: 25us, sigma: 1}}"),
             Catch::Contains("one of them"));
  CHECK_THAT(trouble("service: {lognormal: {median: 9us, p99: 8us}}"), Catch::Contains("below the median"));
  CHECK_THAT(trouble("service: {lognormal: {median: 0ns, p99: 8us}}"), Catch::Contains("more than 0ns"));
  CHECK_THAT(trouble("service: {gamma: {mean: 5us, cv: 0}}"), Catch::Contains("more than 0"));
  CHECK_THAT(trouble("service: {pareto: {minimum: 5us, shape: 1}}"), Catch::Contains("more than 1"));
  CHECK_THAT(trouble("service: {uniform: {low: 5us, high: 1us}}"), Catch::Contains("below the low one"));
  CHECK_THAT(trouble("service: {quantiles: [[0, 5us], [1, 1us]]}"), Catch::Contains("ascending"));
  CHECK_THAT(trouble("service: {quantiles: [[0.1, 1us], [1, 5us]]}"), Catch::Contains("span 0 to 1"));
  CHECK_THAT(trouble("service: {quantiles: [[0, 1us, 2us]]}"), Catch::Contains("[probability, time]"));
  CHECK_THAT(trouble("service: {mixture: [{weight: 0, of: 1us}]}"), Catch::Contains("no weight above 0"));
  CHECK_THAT(trouble("service: {exponential: {mean: 300}}"), Catch::Contains("missing unit"));
  CHECK_THAT(trouble("service: {exponential: {mean: 1us}, constant: 1us}"),
             Catch::Contains("a map for service"));
}

TEST_CASE("a written distribution is the one that is simulated", "[yaml_reader]") {
  const WrittenDistribution written =
      written_mixture({{0.25, written_constant(5us)}, {0.75, written_lognormal_p99(9us, 25us)}});

  CHECK(write_yaml_inline(written.yaml) ==
        "{mixture: [{weight: 0.25, of: 5us}, {weight: 0.75, of: {lognormal: {median: 9us, p99: 25us}}}]}");
  CHECK(read_distribution(written.yaml).value.mean_ns() == written.value.mean_ns());
}
