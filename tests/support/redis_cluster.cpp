#include "tests/support/redis_cluster.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "queue/redis/connection.h"
#include "tests/support/free_port.h"
#include "tests/support/wait.h"

namespace wp::test {

namespace {

redis::Reply ask(const RedisServer& server, const redis::Command& command) {
  redis::Connection connection(server.endpoint());
  connection.connect();
  return connection.execute(command);
}

}  // namespace

RedisCluster::RedisCluster() {
  std::array<int, 3> bus_ports{};
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    // By default it is port + 10000, which a free port of the upper range has no room for.
    bus_ports[i] = free_port();
    nodes_[i] = std::make_unique<RedisServer>(
        std::vector<std::string>{"cluster-enabled yes", "cluster-node-timeout 3000",
                                 "cluster-port " + std::to_string(bus_ports[i])});
  }
  const int share = kSlots / static_cast<int>(nodes_.size()) + 1;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const int first = static_cast<int>(i) * share;
    const int last = std::min(first + share, kSlots) - 1;
    (void)ask(*nodes_[i],
              {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)});
    (void)ask(*nodes_[i], {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
  }
  for (std::size_t i = 1; i < nodes_.size(); ++i) {
    (void)ask(*nodes_[0], {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[i]->port()),
                           std::to_string(bus_ports[i])});
  }
  if (!eventually([this] { return all_ok(); }, Millis{20000})) {
    throw std::runtime_error("the cluster does not form: " +
                             ask(*nodes_[0], {"CLUSTER", "INFO"}).text());
  }
}

bool RedisCluster::all_ok() {
  for (const auto& node : nodes_) {
    const std::string info = ask(*node, {"CLUSTER", "INFO"}).text();
    if (info.find("cluster_state:ok") == std::string::npos ||
        info.find("cluster_known_nodes:3") == std::string::npos) {
      return false;
    }
  }
  return true;
}

RedisServer& RedisCluster::owner_of(std::string_view key) {
  for (const auto& node : nodes_) {
    try {
      // A node that is not the key's owner answers MOVED.
      (void)ask(*node, {"EXISTS", std::string(key)});
      return *node;
    } catch (const redis::Error& e) {
      if (e.connection_lost()) throw;
    }
  }
  throw std::runtime_error("no node owns " + std::string(key));
}

}  // namespace wp::test
