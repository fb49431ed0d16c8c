// Every sample of manifests/samples on the real node: real volumes, images and limits, in a
// namespace that enforces the restricted profile. Replaced is the namespace. What their images'
// names mean, as no registry can be reached, tests/e2e/load has said.
#include "tests/product/samples.h"

#include <doctest/doctest.h>

#include "tests/e2e/site.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;

namespace {

void apply_sample(const Site& site, const SampleCase& sample, const OwnFolder& folder) {
  for (const json& object :
       sample_documents(sample, {{"workerpool-demo", site.ns()},
                                 // A node of two processors, whose own parts take their share.
                                 {"cpu: \"1\"", "cpu: 200m"},
                                 {"cpu: \"2\"", "cpu: 300m"},
                                 {"cpu: \"4\", memory", "cpu: 400m, memory"}})) {
    const std::string kind = object.at("kind");
    if (kind == "PersistentVolumeClaim") {
      must_run({"chmod", "0777", folder.path()});
      kubectl_apply(volume_for(object, site.ns(), folder.path()).dump(), site.ns());
    }
    // Redis is there already.
    if (kind != "Namespace" && kind != "Service" && kind != "Deployment") site.apply(object);
  }
}

std::string story(const Site& site, const std::string& pool) {
  return run({"kubectl", "--namespace", site.ns(), "describe", "pods", "--selector",
              "workerpool.dev/pool=" + pool})
             .output +
         site.pool(pool).value("status", json()).dump(1);
}

}  // namespace

TEST_CASE("every sample works on a real node") {
  if (!have_node()) exit(77);
  const Site site;
  must_run({"kubectl", "label", "namespace", site.ns(),
            "pod-security.kubernetes.io/enforce=restricted"});
  for (const SampleCase& sample : sample_cases()) {
    CAPTURE(sample.file);
    const OwnFolder folder;
    apply_sample(site, sample, folder);
    for (const std::string pool : sample.pools) {
      CAPTURE(pool);
      const bool served = eventually(
          [&] {
            return site.with_queue(pool, [](queue::Queue& q) { return q.counts(); }).config_present;
          },
          Millis{60000});
      REQUIRE_MESSAGE(served, site.operator_log());
      site.with_queue(pool, [&](queue::Queue& q) { enqueue_sample(q, sample); });
      const auto last = [&] {
        return site.with_queue(pool, [&](queue::Queue& q) { return last_of_sample(q, sample); });
      };
      const bool done = eventually([&] { return last().state == queue::JobState::done; },
                                   Millis{90000}, Millis{100});
      REQUIRE_MESSAGE(done, story(site, pool));
      CHECK_MESSAGE(is_result_of(sample, last()), last().result);
    }
    // The next one needs the room.
    site.kubectl({"delete", "workerpools", "--all"});
    site.kubectl(
        {"delete", "pods", "--selector", "workerpool.dev/pool", "--grace-period=1", "--wait=true"});
  }
  (void)run({"kubectl", "delete", "persistentvolume", "v-" + site.ns(), "--wait=false"});
}
