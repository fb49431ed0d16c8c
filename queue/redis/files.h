// Credentials that stand in files: read when a connection is opened, so that a rotation needs no
// restart.
#pragma once

#include <string>

#include "queue/redis/error.h"

namespace wp::redis {

/// The whole file. Throws Error(`error`): "cannot read the CA file /x: No such file or directory",
/// where `what` is "the CA file".
std::string read_file(const std::string& path, const std::string& what, ErrorClass error);

/// The password in a file without the newline that editors leave, or `password` when no file is
/// named. Throws Error(auth).
std::string current_password(const std::string& password, const std::string& file);

}  // namespace wp::redis
