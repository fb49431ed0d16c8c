#include "queue/redis/advice.h"

namespace wp::redis {

std::string_view next_step(ErrorClass error) {
  switch (error) {
    case ErrorClass::refused:
      return "is Redis running there? name another with --redis or WP_REDIS_URL";
    case ErrorClass::timeout:
      return "is it overloaded, or a firewall in between? name another with --redis";
    case ErrorClass::closed:
      return "a port with TLS needs rediss://; else Redis's log says why it ended the connection";
    case ErrorClass::tls:
      return "see --redis-ca-file, --redis-server-name and --redis-cert-file";
    case ErrorClass::auth:
      return "give --redis-username and WP_REDIS_PASSWORD";
    case ErrorClass::permission:
      return "`workerpoolctl doctor QUEUE` with that user says which rights it lacks; "
             "docs/protocol.md has its ACL line";
    case ErrorClass::loading:
      return "Redis reads its data: it serves again when it has";
    case ErrorClass::read_only:
      return "name the master with --redis, or its sentinels (redis+sentinel://host/master)";
    case ErrorClass::protocol:
      return "is it a Redis at all?";
    default:
      return {};
  }
}

}  // namespace wp::redis
