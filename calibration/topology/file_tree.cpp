#include "calibration/topology/file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "calibration/topology/parse.h"
#include "scenarios/input_error.h"
#include "scenarios/quantity.h"

namespace calibration {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "no such file";
    case EACCES:
      return "permission denied";
    case EPERM:  // of debugfs, also to root: security/lockdown
      return "not permitted, as where the kernel is locked down";
    case EINVAL:
      return "its driver does not say";
    default:
      return std::generic_category().message(error);
  }
}

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// ASCII text as the kernel writes it: no control characters but blanks and the ends of lines.
std::optional<std::int64_t> first_binary_line(std::string_view text) {
  std::int64_t line = 1;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x7f || (byte < 0x20 && c != '\n' && c != '\t' && c != '\r')) {
      return line;
    }
    line += c == '\n' ? 1 : 0;
  }
  return std::nullopt;
}

bool is_plain_name(std::string_view name) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view{"_.-+:@!,~"}.find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), plain);
}

// cpu2 before cpu10: runs of digits count as numbers.
bool before(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i] && !is_digit(a[i])) {
    ++i;
  }
  const auto digits = [&](std::string_view text) {
    return static_cast<std::size_t>(
               std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), is_digit) -
               text.begin()) -
           i;
  };
  return digits(a) != digits(b) && digits(a) > 0 && digits(b) > 0 ? digits(a) < digits(b) : a < b;
}

// A descriptor that closes itself.
struct Descriptor {
  explicit Descriptor(int opened) : number{opened} {}
  ~Descriptor() {
    if (number >= 0) {
      ::close(number);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

}  // namespace

FileTree::FileTree(fs::path root) : root_{std::move(root)} {
  std::error_code error;
  real_root_ = fs::canonical(root_, error);
  if (error || !fs::is_directory(real_root_, error) || ::access(real_root_.c_str(), R_OK | X_OK) != 0) {
    throw scenarios::InputError{{.file = root_.string(),
                                 .found = error ? error.message() : "no directory that can be read",
                                 .expected = "a directory with proc/ and sys/, or with saved files",
                                 .suggestion = "chainsim topology --save DIR writes one"}};
  }
}

fs::path FileTree::absolute(std::string_view path) const { return root_ / fs::path{path}.relative_path(); }

bool FileTree::leaves_root(const fs::path& absolute_path) const {
  if (is_machine()) {
    return false;
  }
  std::error_code error;
  const fs::path real = fs::canonical(absolute_path, error);
  const auto end = std::mismatch(real_root_.begin(), real_root_.end(), real.begin(), real.end()).first;
  return !error && end != real_root_.end();
}

bool FileTree::has(std::string_view path) const {
  std::error_code error;
  return fs::exists(absolute(path), error) && !leaves_root(absolute(path));
}

bool FileTree::is_link(std::string_view path) const {
  std::error_code error;
  const fs::path file = absolute(path);
  return fs::is_symlink(file, error) && !leaves_root(file.parent_path());
}

std::string FileTree::or_flat(std::string_view path,
                              std::initializer_list<std::string_view> flat_names) const {
  if (!is_machine() && !has(path)) {
    for (const std::string_view name : flat_names) {
      if (has(name)) {
        return std::string{name};
      }
    }
  }
  return std::string{path};
}

FileTree::Bytes FileTree::bytes(std::string_view path, std::size_t limit) const {
  const fs::path file = absolute(path);
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    return {.text = {}, .why = reason(errno)};
  }
  if (!S_ISREG(status.st_mode)) {
    return {.text = {}, .why = "no regular file"};
  }
  if (leaves_root(file)) {
    return {.text = {}, .why = "a link that leaves the directory"};
  }
  const Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (descriptor.number < 0) {
    return {.text = {}, .why = reason(errno)};
  }
  Bytes result;
  std::vector<char> block(std::min<std::size_t>(limit + 1, 64 * 1024));
  while (result.text.size() <= limit) {
    const ssize_t got = ::read(descriptor.number, block.data(), block.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return {.text = {}, .why = reason(errno)};
    }
    if (got == 0) {
      return result;
    }
    result.text.append(block.data(), static_cast<std::size_t>(got));
  }
  const std::size_t whole = result.text.rfind('\n', limit);
  result.text.resize(whole == std::string::npos ? limit : whole + 1);
  result.cut = true;
  return result;
}

std::optional<std::string> FileTree::text(std::string_view path, std::size_t limit, Keep keep_as,
                                          TooLong too_long) {
  Bytes read = bytes(path, limit);
  if (!read.why.empty()) {
    miss(path, read.why);
    return std::nullopt;
  }
  if (const auto line = first_binary_line(read.text)) {
    warn(path, *line, "binary content", "text");
    return std::nullopt;
  }
  if (read.cut && too_long == TooLong::warn) {
    warn(path, 0, "more than " + std::to_string(limit) + " bytes, of which the rest is not read", "");
  }
  if (keep_as == Keep::as_read) {
    keep(path, read.text);
  }
  return std::move(read.text);
}

std::optional<fs::path> FileTree::regular_file(std::string_view path) {
  std::error_code error;
  const fs::path file = absolute(path);
  if (!fs::is_regular_file(file, error) || leaves_root(file)) {
    return std::nullopt;
  }
  return file;
}

std::vector<std::string> FileTree::names(std::string_view path) {
  std::vector<std::string> result;
  const fs::path directory = absolute(path);
  DIR* stream = leaves_root(directory) ? nullptr : ::opendir(directory.c_str());
  if (stream == nullptr) {
    miss(path, reason(leaves_root(directory) ? ENOENT : errno));
    return result;
  }
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") {
      continue;
    }
    if (!is_plain_name(name)) {
      warn(path, 0, "the name " + scenarios::quoted(name), "letters, digits and punctuation");
    } else if (result.size() == most_entries) {
      warn(path, 0, "more than " + std::to_string(most_entries) + " files, of which the rest is not read",
           "");
      break;
    } else {
      result.push_back(name);
    }
  }
  ::closedir(stream);
  std::sort(result.begin(), result.end(), before);
  return result;
}

Known<std::string> FileTree::link(std::string_view path) {
  if (!is_link(path)) {
    return line(path);
  }
  std::error_code error;
  const std::string name = fs::read_symlink(absolute(path), error).filename().string();
  Known<std::string> result{.value = {}, .source = std::string{path}, .note = {}};
  if (error || !is_plain_name(name)) {
    miss(path, "no readable link");
    result.note = "no readable link";
    return result;
  }
  keep(path, name + "\n");
  result.value = name;
  return result;
}

void FileTree::keep(std::string_view path, std::string text) {
  if (kept_bytes_ + text.size() <= most_kept) {
    kept_bytes_ += text.size();
    kept_[fs::path{path}.relative_path().string()] = std::move(text);
  }
}

}  // namespace calibration
