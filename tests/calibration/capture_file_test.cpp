#include "calibration/traces/capture_file.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "tests/calibration/capture_bench.h"

using namespace calibration;

namespace {

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  CaptureFile file{path};
  std::vector<std::string> lines;
  for (std::string_view line; file.next_line(line);) {
    lines.emplace_back(line);
  }
  return lines;
}

std::string error_of(const std::filesystem::path& path) {
  return input_error_of([&] { lines_of(path); }).found();
}

std::string many_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "line " + std::to_string(i * 7919 % 10007) + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("plain, gzip, zstd and xz captures give the same lines whatever the file is called",
          "[capture_file]") {
  const CaptureBench bench;
  const std::string text = many_lines(40'000);
  const auto plain = lines_of(bench.write("plain.gz", text));

  REQUIRE(plain.size() == 40'000);
  CHECK(lines_of(bench.write("a.txt", gzipped(text))) == plain);
  CHECK(lines_of(bench.write("b.txt", zstd_of(text))) == plain);
  CHECK(lines_of(bench.write("c.txt", xz_of(text))) == plain);
  CHECK(CaptureFile{bench.directory / "b.txt"}.compression() == Compression::zstd);
}

TEST_CASE("compressed files that were appended to each other are read to the end", "[capture_file]") {
  const CaptureBench bench;
  const std::string text = many_lines(3000);

  CHECK(lines_of(bench.write("a.gz", gzipped(text) + gzipped(text))).size() == 6000);
  CHECK(lines_of(bench.write("a.zst", zstd_of(text) + zstd_of(text))).size() == 6000);
  CHECK(lines_of(bench.write("a.xz", xz_of(text) + xz_of(text))).size() == 6000);
}

TEST_CASE("a cut or damaged compressed capture is an error, not a short capture", "[capture_file]") {
  const CaptureBench bench;
  const std::string text = many_lines(40'000);
  for (const std::string& whole : {gzipped(text), zstd_of(text), xz_of(text)}) {
    for (const std::size_t missing : {std::size_t{1}, std::size_t{5}, whole.size() / 2}) {
      const std::string found = error_of(bench.write("cut", whole.substr(0, whole.size() - missing)));
      CHECK((found.find("cut") != std::string::npos || found.find("breaks off") != std::string::npos));
    }
    CHECK_THROWS_AS(lines_of(bench.write("more", whole + "garbage")), scenarios::InputError);
  }
  // Not zstd: without a checksum, which its frames need not have, some damage decodes to other text.
  for (std::string damaged : {gzipped(text), xz_of(text)}) {
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    CHECK(error_of(bench.write("damaged", damaged)).starts_with("damaged or cut"));
  }
}

TEST_CASE("a last line without its newline is handed out and marked", "[capture_file]") {
  const CaptureBench bench;
  CaptureFile file{bench.write("a", "one\ntwo")};
  std::string_view line;

  REQUIRE(file.next_line(line));
  CHECK_FALSE(file.partial_line());
  REQUIRE(file.next_line(line));

  CHECK(line == "two");
  CHECK(file.partial_line());
  CHECK(file.line_number() == 2);
  CHECK_FALSE(file.next_line(line));
}

TEST_CASE("carriage returns before newlines and a byte order mark are taken off", "[capture_file]") {
  const CaptureBench bench;

  CHECK(lines_of(bench.write("a", "\xef\xbb\xbfone\r\n\r\ntwo\n")) ==
        std::vector<std::string>{"one", "", "two"});
}

TEST_CASE("an empty capture is refused, also when it is compressed", "[capture_file]") {
  const CaptureBench bench;

  CHECK(error_of(bench.write("a", "")) == "an empty file");
  CHECK(error_of(bench.write("a", gzipped(""))) == "nothing after decompression");
}

TEST_CASE("binary content is refused and named where it is known", "[capture_file]") {
  const CaptureBench bench;
  std::string noise;
  for (int i = 0; i < 4000; ++i) {
    noise += static_cast<char>(1 + i * 31 % 250);
  }

  CHECK(error_of(bench.write("a", std::string{"PERFILE2\0\0", 10})) == "a perf.data file");
  CHECK(error_of(bench.write("a", "BZh91AY&SY")) == "bzip2 data");
  CHECK(error_of(bench.write("a", std::string{"one\n\0two\n", 9})) == "binary content (a NUL at byte 4)");
  CHECK(error_of(bench.write("a", noise)).starts_with("binary content"));
  CHECK(error_of(bench.write("a", gzipped(noise))).starts_with("binary content"));
}

TEST_CASE("a NUL far inside a capture is an error at its line and column", "[capture_file]") {
  const CaptureBench bench;
  std::string text = many_lines(20'000);
  text += std::string{"ab\0c\n", 5};

  const auto error = input_error_of([&] { lines_of(bench.write("a", text)); });

  CHECK(error.line() == 20'001);
  CHECK(error.column() == 3);
}

TEST_CASE("a NUL is found where one block ends and the next begins", "[capture_file]") {
  const CaptureBench bench;
  for (const std::size_t before : {262'142u, 262'143u, 262'144u, 262'145u, 524'287u, 524'288u}) {
    std::string text;
    while (text.size() + 16 < before) {
      text += "0123456789abcd\n";
    }
    const auto lines = std::count(text.begin(), text.end(), '\n');
    text += std::string(before - text.size(), 'x') + '\0' + "y\nmore\n";

    CHECK(input_error_of([&] { lines_of(bench.write("a", text)); }).line() == lines + 1);
  }
}

TEST_CASE("the head is whole lines, does not take them, and is one line where there is no more",
          "[capture_file]") {
  const CaptureBench bench;
  CaptureFile file{bench.write("a", many_lines(40'000))};
  const std::string head{file.head()};
  std::string_view line;

  CHECK(head.size() > CaptureFile::head_size - 20);
  CHECK(head.size() <= CaptureFile::head_size);
  CHECK(head.ends_with('\n'));
  REQUIRE(file.next_line(line));
  CHECK(line == "line 0");
  CHECK(CaptureFile{bench.write("b", "one")}.head() == "one");
  CHECK(CaptureFile{bench.write("c", "\xef\xbb\xbfone\ntw")}.head() == "one\n");
}

TEST_CASE("a file limited to some of its lines hands out those, under their own numbers", "[capture_file]") {
  const CaptureBench bench;
  const auto path = bench.write("a", "1\n2\n3\n4\n5\n");
  const auto limited = [&](std::int64_t first, std::int64_t last) {
    CaptureFile file{path};
    file.limit_to(first, last);
    std::string lines;
    for (std::string_view line; file.next_line(line);) {
      CHECK(std::to_string(file.line_number()) == line);
      lines += line;
    }
    return lines;
  };

  CHECK(limited(1, 0) == "12345");
  CHECK(limited(3, 0) == "345");
  CHECK(limited(1, 2) == "12");
  CHECK(limited(2, 4) == "234");
  CHECK(limited(6, 0).empty());
}

TEST_CASE("progress is the share of the bytes on disk that were taken", "[capture_file]") {
  const CaptureBench bench;
  CaptureFile file{bench.write("a", many_lines(400'000))};
  const double before = file.progress();
  for (std::string_view line; file.next_line(line);) {
  }

  CHECK(before > 0);
  CHECK(before < 0.5);
  CHECK(file.progress() == 1.0);
  CHECK(file.regular());
}

TEST_CASE("the first bytes of a file come decompressed, and none of what cannot be read", "[capture_file]") {
  const CaptureBench bench;

  CHECK(first_bytes(bench.write("a", zstd_of("0123456789")), 4) == "0123");
  CHECK(first_bytes(bench.write("b", xz_of("01")), 4) == "01");
  CHECK(first_bytes(bench.write("c", "0123456789"), 4) == "0123");
  CHECK(first_bytes(bench.directory / "absent", 4).empty());
  CHECK(first_bytes(bench.directory, 4).empty());
}

TEST_CASE("a line that is absurdly long is refused with its number", "[capture_file]") {
  const CaptureBench bench;
  const std::string longest(CaptureFile::max_line, 'x');

  CHECK(lines_of(bench.write("a", "one\n" + longest + "\n")).size() == 2);
  CHECK(input_error_of([&] { lines_of(bench.write("a", "one\n" + longest + "x\n")); }).line() == 2);
  CHECK(input_error_of([&] { lines_of(bench.write("a", std::string(1'000'000, 'x'))); }).line() == 1);
}

TEST_CASE("a file that is missing, a directory or unreadable is an error without a line", "[capture_file]") {
  const CaptureBench bench;
  const auto missing = input_error_of([&] { lines_of(bench.directory / "absent"); });

  CHECK(missing.found() == "no such file");
  CHECK(missing.line() == 0);
  CHECK(error_of(bench.directory) == "a directory");
  // Opens for everybody, and no read of it succeeds at address 0.
  CHECK(error_of("/proc/self/mem").starts_with("a file that cannot be read"));
  if (::geteuid() != 0) {  // root may read anything
    const auto locked = bench.write("locked", "text\n");
    std::filesystem::permissions(locked, std::filesystem::perms::none);
    CHECK(error_of(locked).starts_with("a file that cannot be read"));
  }
}
