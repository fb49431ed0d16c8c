#include "runner/install.h"

#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <iostream>
#include <stdexcept>
#include <string>
#include <sys/file.h>
#include <system_error>
#include <vector>

#include "base/options.h"
#include "base/unique_fd.h"

namespace wp::runner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "bin/workerpool-runner";
// In every folder of ours, and the first that arrives: what a killed copy left is known as ours.
constexpr const char* kMark = "share/workerpool.spdx.json";
constexpr const char* kIncoming = ".workerpool-incoming";

// Whoever runs the container reads and executes, whoever installed writes.
constexpr fs::perms kFolderMode{0755};
constexpr fs::perms kProgramMode{0755};
constexpr fs::perms kFileMode{0644};

std::string in_megabytes(std::uintmax_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

// Relative paths of the regular files; there is nothing else in a folder of ours.
std::vector<fs::path> files_of(const fs::path& source) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(source)) {
    if (entry.is_directory()) continue;
    if (entry.is_symlink() || !entry.is_regular_file()) {
      throw std::runtime_error(
          fmt::format("{} is neither a file nor a folder: not a folder of a "
                      "self-contained runner",
                      entry.path().string()));
    }
    files.push_back(fs::relative(entry.path(), source));
  }
  return files;
}

void check_source(const fs::path& source) {
  for (const char* file : {kProgram, kMark}) {
    if (fs::exists(source / file)) continue;
    throw std::runtime_error(
        fmt::format("{} is not the folder of a self-contained runner: it has no {}. The runner's "
                    "image has such a folder, /workerpool; tools/portable-folder makes one",
                    source.string(), file));
  }
}

// Somebody else's bin/ and lib/ are no place for a C library.
void check_target(const fs::path& target) {
  if (fs::exists(target / kMark)) return;
  for (const auto& entry : fs::directory_iterator(target)) {
    const std::string name = entry.path().filename();
    if (name == kIncoming || name == "lost+found") continue;
    throw std::runtime_error(
        fmt::format("{} holds \"{}\" and is no earlier copy of the runner's folder: give an empty "
                    "folder",
                    target.string(), name));
  }
}

UniqueFd lock_folder(const fs::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0) {
    throw std::runtime_error(
        fmt::format("{} cannot be locked: {}", folder.string(), std::strerror(errno)));
  }
  return fd;
}

void make_folders(const fs::path& root, const fs::path& below) {
  fs::path made = root;
  for (const fs::path& name : below) {
    made /= name;
    if (fs::create_directory(made)) fs::permissions(made, kFolderMode);
  }
}

// Not std::filesystem::copy_file: that of GCC reports a full disk as an input/output error.
void copy_bytes(const fs::path& from, const fs::path& to) {
  const auto check = [](bool good, const fs::path& path) {
    if (!good)
      throw fs::filesystem_error("copy", path, std::error_code(errno, std::system_category()));
  };
  const UniqueFd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  check(static_cast<bool>(in), from);
  const UniqueFd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  check(static_cast<bool>(out), to);
  std::vector<char> buffer(256 * 1024);
  for (;;) {
    const ssize_t length = ::read(in.get(), buffer.data(), buffer.size());
    check(length >= 0, from);
    if (length == 0) return;
    for (ssize_t done = 0; done < length;) {
      const ssize_t written =
          ::write(out.get(), buffer.data() + done, static_cast<std::size_t>(length - done));
      check(written > 0, to);
      done += written;
    }
  }
}

void copy_aside(const fs::path& source, const fs::path& aside, const std::vector<fs::path>& files) {
  fs::remove_all(aside);
  make_folders(aside.parent_path(), aside.filename());
  for (const fs::path& file : files) {
    make_folders(aside, file.parent_path());
    copy_bytes(source / file, aside / file);
    const bool runs =
        (fs::status(source / file).permissions() & fs::perms::owner_exec) != fs::perms::none;
    fs::permissions(aside / file, runs ? kProgramMode : kFileMode);
  }
}

void move_in(const fs::path& aside, const fs::path& target, const std::vector<fs::path>& files) {
  fs::remove(target / kProgram);
  const auto move = [&](const fs::path& file) {
    make_folders(target, file.parent_path());
    fs::rename(aside / file, target / file);
  };
  move(kMark);
  for (const fs::path& file : files) {
    if (file != kMark && file != kProgram) move(file);
  }
  move(kProgram);
}

std::uintmax_t size_of(const fs::path& source, const std::vector<fs::path>& files) {
  std::uintmax_t bytes = 0;
  for (const fs::path& file : files) bytes += fs::file_size(source / file);
  return bytes;
}

[[noreturn]] void explain(const fs::filesystem_error& error, const fs::path& target,
                          std::uintmax_t needed) {
  if (error.code() == std::errc::no_space_on_device) {
    std::error_code ignored;
    const fs::space_info space = fs::space(target, ignored);
    throw std::runtime_error(fmt::format(
        "{}: no space left: the runner's folder needs {}, {} are "
        "free",
        target.string(), in_megabytes(needed), in_megabytes(ignored ? 0 : space.available)));
  }
  const fs::path& where = error.path2().empty() ? error.path1() : error.path2();
  throw std::runtime_error(
      fmt::format("{} cannot be written: {}", where.string(), error.code().message()));
}

}  // namespace

void install_folder(const fs::path& source, const fs::path& target) {
  check_source(source);
  const std::vector<fs::path> files = files_of(source);
  const std::uintmax_t bytes = size_of(source, files);
  const fs::path aside = target / kIncoming;
  try {
    if (fs::exists(target) && fs::equivalent(source, target)) {
      throw std::runtime_error(target.string() + " is the runner's own folder");
    }
    fs::create_directories(target);
    const UniqueFd lock = lock_folder(target);
    check_target(target);
    copy_aside(source, aside, files);
    move_in(aside, target, files);
    fs::remove_all(aside);
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    explain(error, target, bytes);
  }
  std::cout << fmt::format("installed {} files, {}, in {}\n", files.size(), in_megabytes(bytes),
                           target.string());
}

fs::path own_folder() {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path();
}

int run_install(int argc, const char* const* argv) {
  std::string target;
  Options options("workerpool-runner install",
                  "Copies the self-contained runner to a folder that other containers mount at "
                  "/workerpool.");
  options.positional("TARGET", "a folder: empty, absent, or with an earlier copy", target, true);
  options.epilog("Example:\n  workerpool-runner install /workerpool-share");
  if (options.parse(argc, argv) == Parsed::exit) return 0;
  install_folder(own_folder(), target);
  return 0;
}

}  // namespace wp::runner
