// How a fresh stream is let in: what is sent first, and what its replies mean.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "queue/redis/channel.h"

namespace wp::redis {

/// AUTH as the credentials say, with the file as it is now; none without a password and a user.
/// Throws Error(auth) when the file can't be read.
std::vector<Command> login_commands(const std::string& username, const std::string& password,
                                    const std::string& password_file);

/// What an error reply says, at most 200 bytes, as an Error of its class.
Error reply_error(const Reply& reply);

/// Throws the first error reply, if any.
void throw_first_error(std::span<const Reply> replies);

}  // namespace wp::redis
