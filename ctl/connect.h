// Which Redis, and the way to it. `find_target` decides and is pure but for the folder it is given;
// `Session` owns the one connection of a command. Errors are one line: what kind, where, what next.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/exit.h"
#include "queue/queue.h"
#include "queue/redis/connection.h"
#include "queue/redis/settings.h"

namespace wp::ctl {

struct Target {
  redis::Endpoint endpoint;
  std::string hint;  // where the address came from when nobody named it, for errors
};

/// $XDG_RUNTIME_DIR/workerpool, else /tmp/workerpool-<uid>: where local mode leaves <pool>.url.
std::string runtime_folder();

/// The files of local pools in `folder` that end so (".url"), in order of their names; none when
/// the folder belongs to somebody else or others may write to it.
std::vector<std::filesystem::path> local_files(const std::string& folder, std::string_view ending);

/// The given URL; else the address of the one local pool whose file is in `folder`; else
/// redis://127.0.0.1:6379/0. A folder that belongs to somebody else is not believed.
/// Throws UsageError for a URL that is none, and for settings that do not fit it.
Target find_target(const redis::Settings& settings, const std::string& folder);

/// "redis://host:6379/0, database 0"
std::string describe(const redis::Endpoint& endpoint);

/// An error of Redis as the command's end: 69 when Redis is away or refuses us, else 1.
CommandError to_command_error(const redis::Error& error, const Target& target);

/// The connection and the queue of one command. Owned by the main thread.
struct Session {
  /// Connects. Throws CommandError.
  Session(Target where, const std::string& queue_name);

  Target target;
  redis::Connection connection;
  queue::Queue queue;
};

}  // namespace wp::ctl
