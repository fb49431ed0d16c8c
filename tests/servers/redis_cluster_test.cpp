// What RedisCluster promises, on each server of the matrix.
#include "tests/support/redis_cluster.h"

#include <doctest/doctest.h>
#include <set>
#include <string>

#include "queue/redis/connection.h"

using namespace wp;
using wp::test::RedisCluster;
using wp::test::RedisServer;

TEST_CASE("a cluster's three nodes share the keys, and each key's owner takes its writes") {
  RedisCluster cluster;
  std::set<int> owners;
  for (int i = 0; i < 32; ++i) {
    const std::string key = "{" + std::to_string(i) + "}:key";
    const RedisServer& owner = cluster.owner_of(key);
    owners.insert(owner.port());
    redis::Connection connection(owner.endpoint());
    connection.connect();
    CHECK(connection.execute({"SET", key, "v"}).text() == "OK");
  }
  CHECK(owners.size() == cluster.size());
}
