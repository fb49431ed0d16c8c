#include "operator/workload/recent_writes.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::workload;

namespace {

DeploymentInfo at_version(const std::string& version, int replicas) {
  DeploymentInfo made;
  made.uid = "u";
  made.resource_version = version;
  made.replicas = replicas;
  return made;
}

RecentWrites<DeploymentInfo>::Value watched(const std::string& version, int replicas) {
  return std::make_shared<const DeploymentInfo>(at_version(version, replicas));
}

}  // namespace

TEST_CASE("a write counts until the watch has caught up") {
  RecentWrites<DeploymentInfo> writes;
  const Millis now{1000};
  CHECK(writes.newest("n/w", nullptr, now) == nullptr);
  writes.put("n/w", at_version("10", 5), now);
  CHECK(writes.newest("n/w", nullptr, now)->replicas == 5);
  CHECK(writes.newest("n/w", watched("9", 3), now)->replicas == 5);
  CHECK(writes.newest("n/w", watched("10", 5), now)->replicas == 5);
  CHECK(writes.newest("n/w", watched("11", 4), now)->replicas == 4);
  CHECK(writes.newest("n/other", watched("9", 3), now)->replicas == 3);
}

TEST_CASE("a write is forgotten when the object goes, by its uid") {
  RecentWrites<DeploymentInfo> writes;
  writes.put("n/w", at_version("10", 5), Millis{0});
  writes.gone("n/w", "somebody else");
  CHECK(writes.newest("n/w", nullptr, Millis{0}) != nullptr);
  writes.gone("n/w", "u");
  CHECK(writes.newest("n/w", nullptr, Millis{0}) == nullptr);
}

TEST_CASE("after a while the watch is believed, whatever it shows") {
  RecentWrites<DeploymentInfo> writes(Millis{30000});
  writes.put("n/w", at_version("10", 5), Millis{1000});
  CHECK(writes.newest("n/w", watched("9", 3), Millis{31000})->replicas == 5);
  CHECK(writes.newest("n/w", watched("9", 3), Millis{31001})->replicas == 3);
  CHECK(writes.newest("n/w", nullptr, Millis{31001}) == nullptr);
}

TEST_CASE("another write sweeps out what nobody needs any more") {
  RecentWrites<DeploymentInfo> writes(Millis{30000});
  const std::weak_ptr<const DeploymentInfo> old =
      writes.put("n/old", at_version("1", 1), Millis{0});
  writes.put("n/w", at_version("2", 2), Millis{30000});
  CHECK_FALSE(old.expired());
  writes.put("n/w", at_version("3", 3), Millis{30001});
  CHECK(old.expired());
}
