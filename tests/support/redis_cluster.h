// A real Redis Cluster of three masters that share all slots between them, each a RedisServer. Gone
// with the object. Owned by one test; not for concurrent use.
//
// It takes two seconds to start: so long a new cluster refuses writes (CLUSTER_WRITABLE_DELAY).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/redis_server.h"

namespace wp::test {

class RedisCluster {
 public:
  static constexpr int kSlots = 16384;

  /// Returns when every node answers cluster_state:ok. Throws std::runtime_error otherwise.
  RedisCluster();

  std::size_t size() const { return nodes_.size(); }
  RedisServer& node(std::size_t index) { return *nodes_.at(index); }

  /// The node that owns the key's slot, by the server's own word. Throws redis::Error.
  RedisServer& owner_of(std::string_view key);

 private:
  bool all_ok();

  std::array<std::unique_ptr<RedisServer>, 3> nodes_;
};

}  // namespace wp::test
