// Reads a pool from a file and says what local mode needs to know about it. Whatever is wrong is
// one UsageError of one line: the file, the line or the field, what is wrong and what is allowed.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "operator/local/options.h"
#include "operator/pool/pool.h"
#include "queue/redis/endpoint.h"

namespace wp::local {

struct PoolFile {
  pool::Pool pool;        // uid made up, generation 1
  nlohmann::json object;  // as it stands in the file
  std::string directory;  // of the file: handlers run there
};

/// `name`: a path, or "-" for standard input (its directory is ours).
PoolFile load_pool_file(const std::string& name);

/// The same from text; `shown` stands for the file in messages.
pool::Pool parse_local_pool(const std::string& text, const std::string& shown);

/// Throws unless the handler's program can be executed from `directory`: a wrong word here would
/// otherwise only show in the workers' logs.
void check_handler(const PoolFile& file, const std::string& shown);

/// Where the user says that Redis is: the option, else the pool. Nothing: a private server.
std::optional<redis::Endpoint> named_endpoint(const LocalOptions& options, const pool::Pool& pool,
                                              const std::string& shown);

}  // namespace wp::local
