#include "scenarios/distribution_yaml.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "scenarios/quantity.h"
#include "scenarios/suggest.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {
namespace {

using sim::Distribution;
using sim::Nanos;

// A parameter and the range it must be in.
double number_above(MapReader& reader, std::string_view key, double least) {
  double value = 0;
  reader.required(key, value);
  const Yaml* node = reader.map().find(key);
  if (node != nullptr && value <= least) {
    input_error(node->place, describe(*node) + " for " + where(*node),
                least == 0 ? "more than 0" : "more than 1");
  }
  return value;
}

Nanos time(MapReader& reader, std::string_view key) {
  Nanos value{0};
  reader.required(key, value);
  return value;
}

Nanos positive_time(MapReader& reader, std::string_view key) {
  const Nanos value = time(reader, key);
  const Yaml* node = reader.map().find(key);
  if (node != nullptr && value <= Nanos{0}) {
    input_error(node->place, describe(*node) + " for " + where(*node), "more than 0ns");
  }
  return value;
}

Distribution read_constant(const Yaml& node) {
  Nanos value{0};
  read_value(node, value);
  return Distribution::constant(value);
}

Distribution read_exponential(const Yaml& node) {
  MapReader reader{node};
  const Nanos mean = time(reader, "mean");
  reader.finish();
  return Distribution::exponential(mean);
}

Distribution read_lognormal(const Yaml& node) {
  MapReader reader{node};
  const Nanos median = positive_time(reader, "median");
  const bool by_sigma = node.find("sigma") != nullptr;
  if (by_sigma && node.find("p99") != nullptr) {
    input_error(node.entry("sigma")->key_place, "both 'p99' and 'sigma'", "one of them");
  }
  if (by_sigma) {
    const double sigma = number_above(reader, "sigma", 0);
    reader.take("p99");
    reader.finish();
    return Distribution::lognormal(median, sigma);
  }
  const Nanos p99 = time(reader, "p99");
  reader.take("sigma");
  reader.finish();
  if (p99 < median) {
    input_error(node.find("p99")->place, "a p99 below the median", format_time(median) + " or more");
  }
  return Distribution::lognormal_p99(median, p99);
}

Distribution read_gamma(const Yaml& node) {
  MapReader reader{node};
  const Nanos mean = time(reader, "mean");
  const double cv = number_above(reader, "cv", 0);
  reader.finish();
  return Distribution::gamma(mean, cv);
}

Distribution read_weibull(const Yaml& node) {
  MapReader reader{node};
  const Nanos scale = time(reader, "scale");
  const double shape = number_above(reader, "shape", 0);
  reader.finish();
  return Distribution::weibull(scale, shape);
}

// A shape of 1 or less has no mean: no run would be long enough.
Distribution read_pareto(const Yaml& node) {
  MapReader reader{node};
  const Nanos minimum = positive_time(reader, "minimum");
  const double shape = number_above(reader, "shape", 1);
  reader.finish();
  return Distribution::pareto(minimum, shape);
}

Distribution read_uniform(const Yaml& node) {
  MapReader reader{node};
  const Nanos low = time(reader, "low");
  const Nanos high = time(reader, "high");
  reader.finish();
  if (high < low) {
    input_error(node.find("high")->place, "a high end below the low one", format_time(low) + " or more");
  }
  return Distribution::uniform(low, high);
}

// The `size` values of one row of a table.
const std::vector<Yaml>& row_of(const Yaml& node, std::size_t size, const std::string& form) {
  if (node.kind != Yaml::Kind::list || node.items.size() != size) {
    input_error(node.place, describe(node) + " for " + where(node), form);
  }
  return node.items;
}

Distribution read_quantiles(const Yaml& node) {
  std::vector<std::pair<double, Nanos>> points;
  for (const Yaml& item : items_of(node)) {
    const std::vector<Yaml>& row = row_of(item, 2, "[probability, time]");
    std::pair<double, Nanos> point;
    read_value(row[0], point.first);
    read_value(row[1], point.second);
    if (!points.empty() && (point.first < points.back().first || point.second < points.back().second)) {
      input_error(item.place, "a point below the one before it in " + where(node), "both columns ascending");
    }
    points.push_back(point);
  }
  if (points.size() < 2 || points.front().first != 0.0 || points.back().first != 1.0) {
    input_error(node.place, "quantiles for " + where(node) + " that do not span 0 to 1",
                "the first point at probability 0, the last at 1");
  }
  return Distribution::quantiles(std::move(points));
}

Distribution read_histogram(const Yaml& node) {
  std::vector<sim::HistogramBin> bins;
  std::uint64_t total = 0;
  for (const Yaml& item : items_of(node)) {
    const std::vector<Yaml>& row = row_of(item, 3, "[low, high, count]");
    sim::HistogramBin bin{};
    read_value(row[0], bin.low);
    read_value(row[1], bin.high);
    read_value(row[2], bin.count);
    if (bin.high < bin.low || (!bins.empty() && bin.low < bins.back().high)) {
      input_error(item.place, "a bin out of order in " + where(node), "ascending bins without overlap");
    }
    if (bin.count > (std::uint64_t{1} << 40)) {
      input_error(row[2].place, describe(row[2]) + " for " + where(row[2]), "a count of at most 2^40");
    }
    total += bin.count;
    bins.push_back(bin);
  }
  if (total == 0) {
    input_error(node.place, "an empty histogram for " + where(node), "one count above 0 at least");
  }
  return Distribution::histogram(std::move(bins));
}

Distribution read_mixture(const Yaml& node) {
  std::vector<std::pair<double, Distribution>> parts;
  double total = 0;
  for (const Yaml& item : items_of(node)) {
    MapReader reader{item};
    auto& [weight, part] = parts.emplace_back(0.0, Distribution::constant(Nanos{0}));
    reader.required("weight", weight);
    reader.required("of", part);
    reader.finish();
    if (weight < 0) {
      input_error(item.find("weight")->place, "a negative weight", "0 or more");
    }
    total += weight;
  }
  if (total <= 0) {
    input_error(node.place, "no weight above 0 in " + where(node), "parts {weight: ..., of: ...}");
  }
  return Distribution::mixture(std::move(parts));
}

struct Form {
  std::string_view name;
  Distribution (*read)(const Yaml&);
};
constexpr std::array forms{
    Form{"constant", read_constant}, Form{"exponential", read_exponential}, Form{"lognormal", read_lognormal},
    Form{"gamma", read_gamma},       Form{"weibull", read_weibull},         Form{"pareto", read_pareto},
    Form{"uniform", read_uniform},   Form{"quantiles", read_quantiles},     Form{"histogram", read_histogram},
    Form{"mixture", read_mixture},
};

Yaml number(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;  // reads back exactly
  return yaml_scalar({text.data(), end});
}

Yaml time_text(Nanos value) { return yaml_scalar(format_time(value)); }

WrittenDistribution written(std::string form, std::vector<std::pair<std::string, Yaml>> parameters) {
  return read_distribution(yaml_map({{std::move(form), yaml_map(std::move(parameters))}}));
}

}  // namespace

void read_value(const Yaml& node, sim::Distribution& value) {
  if (node.kind == Yaml::Kind::scalar) {
    value = read_constant(node);
    return;
  }
  std::vector<std::string> names;
  for (const Form& form : forms) {
    names.emplace_back(form.name);
  }
  const std::string expected = "a time such as 50us, or {form: ...} with one of " + listed(names);
  if (node.kind != Yaml::Kind::map || node.entries.size() != 1) {
    input_error(node.place, describe(node) + " for " + where(node), expected);
  }
  const Yaml::Entry& entry = node.entries.front();
  for (const Form& form : forms) {
    if (form.name == entry.key) {
      value = form.read(entry.value);
      return;
    }
  }
  input_error(entry.key_place, "unknown form " + quoted(entry.key) + " for " + where(node), expected,
              did_you_mean(entry.key, names));
}

WrittenDistribution read_distribution(const Yaml& node) {
  WrittenDistribution result{.yaml = node};
  read_value(node, result.value);
  return result;
}

WrittenDistribution written_constant(Nanos value) { return read_distribution(time_text(value)); }

WrittenDistribution written_exponential(Nanos mean) {
  return written("exponential", {{"mean", time_text(mean)}});
}

WrittenDistribution written_lognormal(Nanos median, double sigma) {
  return written("lognormal", {{"median", time_text(median)}, {"sigma", number(sigma)}});
}

WrittenDistribution written_lognormal_p99(Nanos median, Nanos p99) {
  return written("lognormal", {{"median", time_text(median)}, {"p99", time_text(p99)}});
}

WrittenDistribution written_gamma(Nanos mean, double cv) {
  return written("gamma", {{"mean", time_text(mean)}, {"cv", number(cv)}});
}

WrittenDistribution written_weibull(Nanos scale, double shape) {
  return written("weibull", {{"scale", time_text(scale)}, {"shape", number(shape)}});
}

WrittenDistribution written_quantiles(const std::vector<std::pair<double, Nanos>>& points) {
  std::vector<Yaml> rows;
  for (const auto& [probability, value] : points) {
    rows.push_back(yaml_list({number(probability), time_text(value)}));
  }
  return read_distribution(yaml_map({{"quantiles", yaml_list(std::move(rows))}}));
}

WrittenDistribution written_mixture(const std::vector<std::pair<double, WrittenDistribution>>& parts) {
  std::vector<Yaml> rows;
  for (const auto& [weight, part] : parts) {
    rows.push_back(yaml_map({{"weight", number(weight)}, {"of", part.yaml}}));
  }
  return read_distribution(yaml_map({{"mixture", yaml_list(std::move(rows))}}));
}

}  // namespace scenarios
