#include "scenarios/yaml.h"

#include <catch2/catch.hpp>

#include "tests/scenarios/scratch.h"

using namespace scenarios;

namespace {

Yaml parsed(const std::string& text) {
  Yaml root = parse_yaml(text, "t.yaml", "a test");
  label_addresses(root);
  return root;
}

std::string trouble(const std::string& text) {
  try {
    parsed(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

Yaml overridden(const std::string& text, const std::string& argument) {
  Yaml root = parsed(text);
  override_value(root, parse_set(argument, 1));
  label_addresses(root);
  return root;
}

std::string set_trouble(const std::string& text, const std::string& argument) {
  try {
    overridden(text, argument);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("each value knows its line, its column and the path that --set would use", "[yaml]") {
  const Yaml root = parsed("run:\n  seed: 7\nagents:\n  - {name: reader, count: 2}\n");

  const Yaml& count = *root.find("agents")->items[0].find("count");

  CHECK(count.scalar == "2");
  CHECK(count.place.line == 4);
  CHECK(count.place.column == 27);
  CHECK(count.address == "agents.reader.count");
}

TEST_CASE("a key given twice is refused at the second", "[yaml]") {
  CHECK(trouble("a: 1\nb: 2\na: 3\n") ==
        "t.yaml:3:1: found duplicate key 'a', expected each key once; the first is in line 1");
}

TEST_CASE("what is not YAML is refused where it stops being YAML", "[yaml]") {
  CHECK_THAT(trouble("a: [1, 2\nb: 3\n"), Catch::StartsWith("t.yaml:2:"));
  CHECK_THAT(trouble("a: 1\n\tb: 2\n"), Catch::StartsWith("t.yaml:2:"));
  CHECK_THAT(trouble(""), Catch::StartsWith("t.yaml: found nothing in it"));
  CHECK_THAT(trouble(std::string("a\0b", 3)), Catch::StartsWith("t.yaml: found binary data"));
  CHECK_THAT(trouble("a: 1\n---\nb: 2\n"), Catch::Contains("a second document"));
  CHECK_THAT(trouble("? [a]\n: 1\n"), Catch::Contains("a key that is no text"));
}

TEST_CASE("a document that never ends is refused", "[yaml]") {
  CHECK_THAT(trouble("a: &a [*a]\n"), Catch::Contains("expected"));
  CHECK_THAT(trouble(std::string(5000, '[')), Catch::Contains("expected"));
}

TEST_CASE("a file that cannot be read is named with the reason", "[yaml]") {
  CHECK_THROWS_WITH(load_yaml("/nowhere/x.yaml", "a test"),
                    "/nowhere/x.yaml: found No such file or directory, expected a test");
  CHECK_THROWS_WITH(load_yaml("/", "a test"), "/: found Is a directory, expected a test");
  CHECK_THROWS_WITH(load_yaml("/dev/zero", "a test"), Catch::Contains("more than 16 MiB"));
}

TEST_CASE("an override replaces a value, a whole list, or creates what is missing", "[yaml]") {
  const std::string text = "run: {seed: 1}\nagents: [{name: a, count: 1}, {name: b, count: 2}]\n";

  CHECK(overridden(text, "run.seed=9").find("run")->find("seed")->scalar == "9");
  CHECK(overridden(text, "agents.b.count=5").find("agents")->items[1].find("count")->scalar == "5");
  CHECK(overridden(text, "agents.0.count=6").find("agents")->items[0].find("count")->scalar == "6");
  CHECK(overridden(text, "agents.a.sched.cpus=[0, 1]")
            .find("agents")
            ->items[0]
            .find("sched")
            ->find("cpus")
            ->items.size() == 2);
  CHECK(overridden(text, "agents=[{name: x}]").find("agents")->items.size() == 1);
  CHECK(overridden(text, "host.kernel.hz=1000").find("host")->find("kernel")->find("hz")->scalar == "1000");
}

TEST_CASE("what an override brings is placed in its argument", "[yaml]") {
  const Yaml root = overridden("run: {seed: 1}\n", "run.seed=9");

  CHECK(root.find("run")->find("seed")->place.file == "--set");
  CHECK(root.find("run")->find("seed")->place.line == 1);
  CHECK(root.find("run")->find("seed")->place.column == 10);
}

TEST_CASE("an override that leads nowhere says what there is", "[yaml]") {
  const std::string text = "run: {seed: 1}\nagents: [{name: reader}, {name: writer}]\n";

  CHECK(set_trouble(text, "agents.raeder.count=1") ==
        "--set:1: found no 'raeder' in agents, expected one of reader, writer; did you mean 'reader'?");
  CHECK_THAT(set_trouble(text, "run.seed.x=1"), Catch::Contains("run.seed is '1'"));
  CHECK_THAT(set_trouble(text, "run.seed"),
             Catch::StartsWith("--set:1: found 'run.seed', expected path=value"));
  CHECK_THAT(set_trouble(text, "run.seed="), Catch::Contains("no value"));
  CHECK_THAT(set_trouble(text, "run..seed=1"), Catch::Contains("names joined by dots"));
  CHECK_THAT(set_trouble(text, "run.seed=[1"), Catch::StartsWith("--set:1:"));
}

TEST_CASE("what is written reads back the same", "[yaml]") {
  const std::string text =
      "title: \"a: b # c\"\nempty: \"\"\nnull_text: \"null\"\nlist: [1, 2us, {a: b}]\n"
      "deep:\n  one: {x: \"q\\\"uote\\\\ \\n tab\", y: [[0, 1us], [1, 2us]]}\n";
  std::string rows = "rows: [";
  for (int i = 0; i < 200; ++i) {
    rows += (i == 0 ? "[" : ", [") + std::to_string(i) + ", " + std::to_string(i) + "us]";
  }
  const Yaml root = parsed(text + rows + "]\n");

  const std::string written = write_yaml(root);

  CHECK(write_yaml(parsed(written)) == written);
  CHECK(parsed(written).find("deep")->find("one")->find("x")->scalar == "q\"uote\\ \n tab");
  CHECK(parsed(written).find("null_text")->kind == Yaml::Kind::scalar);
  CHECK(parsed(written).find("rows")->items.size() == 200);
  CHECK(written.find("us]]\n") != std::string::npos);
  for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
    end = written.find('\n', at);
    CHECK((end == std::string::npos ? written.size() : end) - at <= 112);
  }
}
