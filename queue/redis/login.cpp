#include "queue/redis/login.h"

#include "queue/redis/files.h"

namespace wp::redis {
namespace {

constexpr std::size_t kMaxErrorText = 200;

}  // namespace

std::vector<Command> login_commands(const std::string& username, const std::string& password,
                                    const std::string& password_file) {
  const std::string secret = current_password(password, password_file);
  if (!username.empty()) return {{"AUTH", username, secret}};
  if (!secret.empty()) return {{"AUTH", secret}};
  return {};
}

Error reply_error(const Reply& reply) {
  return {classify_reply(reply.bytes), reply.bytes.substr(0, kMaxErrorText)};
}

void throw_first_error(std::span<const Reply> replies) {
  for (const Reply& reply : replies) {
    if (reply.type == Reply::Type::error) throw reply_error(reply);
  }
}

}  // namespace wp::redis
