#include "ctl/connect.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "base/options.h"
#include "ctl/local_document.h"
#include "ctl/output/table.h"
#include "queue/redis/advice.h"

namespace wp::ctl {
namespace {

constexpr const char* kDefaultUrl = "redis://127.0.0.1:6379/0";

// In /tmp anyone may make a folder of our name, and we would send our jobs and password there.
bool is_ours(const std::string& folder) {
  struct stat info {};
  return lstat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == getuid() &&
         (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  line.erase(line.find_last_not_of(" \t\r") + 1);
  return line;
}

// A local mode that was killed leaves its files.
bool was_left(const std::filesystem::path& url_file) {
  std::filesystem::path status = url_file;
  status.replace_extension(".status.json");
  std::error_code ignored;
  return std::filesystem::exists(status, ignored) && !running_pool(status);
}

// A file's line that is no URL must say which file it stands in.
redis::Endpoint endpoint_from(const std::filesystem::path& file, redis::Settings settings) {
  settings.url = first_line(file);
  try {
    (void)redis::parse_endpoint(settings.url);
  } catch (const std::invalid_argument& e) {
    throw UsageError(fmt::format("{}: {}", file.string(), e.what()));
  }
  return redis::make_endpoint(settings, kDefaultUrl);
}

}  // namespace

std::string runtime_folder() {
  const char* const base = std::getenv("XDG_RUNTIME_DIR");
  std::error_code ignored;
  if (base != nullptr && *base != '\0' && std::filesystem::is_directory(base, ignored)) {
    return std::string(base) + "/workerpool";
  }
  return fmt::format("/tmp/workerpool-{}", getuid());
}

std::vector<std::filesystem::path> local_files(const std::string& folder, std::string_view ending) {
  std::vector<std::filesystem::path> files;
  if (!is_ours(folder)) return files;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().filename().string().ends_with(ending)) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Target find_target(const redis::Settings& settings, const std::string& folder) {
  Target target;
  if (!settings.url.empty()) {
    target.endpoint = redis::make_endpoint(settings, kDefaultUrl);
    return target;
  }
  auto pools = local_files(folder, ".url");
  std::erase_if(pools, was_left);
  if (pools.size() == 1) {
    target.endpoint = endpoint_from(pools.front(), settings);
    target.hint = "the address is from " + pools.front().string();
    return target;
  }
  target.endpoint = redis::make_endpoint(settings, kDefaultUrl);
  target.hint = "the default address";
  if (!pools.empty()) {
    target.hint +=
        fmt::format("; {} local pools run, take the address of one of them:", pools.size());
    for (const auto& file : pools) target.hint += " --redis " + printable(first_line(file));
  }
  return target;
}

std::string describe(const redis::Endpoint& endpoint) {
  return fmt::format("{}, database {}", endpoint.describe(), endpoint.database);
}

CommandError to_command_error(const redis::Error& error, const Target& target) {
  std::string what = error.what();
  const std::string where = target.endpoint.describe();
  if (what.starts_with(where + ": ")) what.erase(0, where.size() + 2);
  const std::string_view step = redis::next_step(error.error_class());
  std::string message = fmt::format("Redis at {}: {}: {}", where,
                                    redis::to_string(error.error_class()), printable(what));
  if (!target.hint.empty()) message += " (" + target.hint + ")";
  if (!step.empty()) message += fmt::format("; {}", step);
  return {step.empty() ? kError : kUnreachable, message};
}

Session::Session(Target where, const std::string& queue_name)
    : target(std::move(where)), connection(target.endpoint), queue(connection, queue_name) {
  try {
    connection.connect();
  } catch (const redis::Error& e) {
    throw to_command_error(e, target);
  }
}

}  // namespace wp::ctl
