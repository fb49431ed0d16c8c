#include "operator/local/pool_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/ids.h"
#include "operator/pool/parse.h"
#include "operator/pool/yaml.h"
#include "operator/workload/child_process.h"

namespace wp::local {
namespace {

std::string read_all(std::istream& in) {
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// One line, however many problems there are: the first in full, the others by their place.
std::string describe(const std::string& shown, const std::vector<pool::SpecProblem>& problems) {
  std::string text = shown + ": " + problems.front().line();
  for (std::size_t i = 1; i < problems.size(); ++i) {
    text += (i == 1 ? " (also wrong: " : ", ") + problems[i].path;
  }
  return problems.size() > 1 ? text + ")" : text;
}

void read_into(PoolFile& file, std::istream& in, const std::string& shown) {
  const std::string text = read_all(in);
  file.pool = parse_local_pool(text, shown);
  file.object = pool::yaml_document(text);
}

}  // namespace

pool::Pool parse_local_pool(const std::string& text, const std::string& shown) {
  nlohmann::json object;
  try {
    object = pool::yaml_document(text);
  } catch (const pool::YamlError& e) {
    // The message begins with "line N: "; people's editors jump to file:line.
    std::string what = e.what();
    const std::string prefix = "line " + std::to_string(e.line()) + ": ";
    if (what.starts_with(prefix)) what.erase(0, prefix.size());
    throw UsageError(fmt::format("{}:{}: {}", shown, e.line(), what));
  }
  try {
    pool::ParseOptions options;
    options.strict = true;
    options.local = true;
    pool::Pool parsed = pool::parse_pool(object, options);
    if (parsed.meta.name.empty()) {
      throw UsageError(shown + ": metadata.name is missing; allowed: a-z, 0-9 and -, at most 52");
    }
    parsed.meta.uid = random_uuid();
    parsed.meta.generation = 1;
    return parsed;
  } catch (const pool::SpecError& e) {
    throw UsageError(describe(shown, e.problems()));
  }
}

PoolFile load_pool_file(const std::string& name) {
  if (name.empty()) throw UsageError("file: is required (-f pool.yaml)");
  PoolFile file;
  if (name == "-") {
    read_into(file, std::cin, "standard input");
    file.directory = std::filesystem::current_path();
  } else {
    std::error_code error;
    std::ifstream in;
    if (std::filesystem::is_directory(name, error)) {
      throw UsageError(fmt::format("file: cannot read \"{}\": it is a folder", name));
    }
    errno = 0;
    in.open(name);
    if (!in)
      throw UsageError(fmt::format("file: cannot read \"{}\": {}", name, std::strerror(errno)));
    read_into(file, in, name);
    file.directory = std::filesystem::absolute(name).parent_path();
  }
  check_handler(file, name == "-" ? "standard input" : name);
  return file;
}

void check_handler(const PoolFile& file, const std::string& shown) {
  const pool::Handler& handler = file.pool.spec.workers.handler;
  if (handler.none()) {
    throw UsageError(shown +
                     ": spec.workers.handler is missing: what runs a job; allowed: exec or stdio, "
                     "each with command: [program, word, …], or http with the url of an app that "
                     "you start");
  }
  if (handler.http) return;  // no program of ours: the workers wait until the app is there
  const char* const kind = handler.exec ? "exec" : "stdio";
  const std::string program = handler.command().front();
  const bool is_path = program.find('/') != std::string::npos;
  const std::string found = workload::find_program(
      is_path ? (std::filesystem::path(file.directory) / program).string() : program);
  if (!found.empty()) return;
  throw UsageError(fmt::format(
      "{}: spec.workers.handler.{}.command[0] is \"{}\", which is no executable file {}", shown,
      kind, program, is_path ? "(relative to " + file.directory + ")" : "in PATH"));
}

std::optional<redis::Endpoint> named_endpoint(const LocalOptions& options, const pool::Pool& pool,
                                              const std::string& shown) {
  const auto& redis = pool.spec.queue.redis;
  std::string url = options.redis.url;
  if (url.empty() && redis) {
    if (!redis->url || redis->credentials) {
      throw UsageError(fmt::format(
          "{}: spec.queue.redis.{} names a Secret, which only a cluster has; allowed: url, or "
          "--redis URL with WP_REDIS_PASSWORD",
          shown, redis->url ? "secretRef" : "urlSecretRef"));
    }
    if (redis->tls || redis->sentinel) {
      throw UsageError(
          fmt::format("{}: spec.queue.redis.{} is for a cluster; allowed here: --redis URL with "
                      "--redis-ca-file and the like, or redis+sentinel://host/master",
                      shown, redis->tls ? "tls" : "sentinel"));
    }
    url = *redis->url;
  }
  if (url.empty()) return std::nullopt;
  return redis::make_endpoint(options.redis, url);
}

}  // namespace wp::local
