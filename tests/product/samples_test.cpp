// Every sample of manifests/samples, applied and at work. Its texts are used as they stand but for
// what this cluster cannot have: the namespace, the address of Redis, and, as pods are processes
// here, the folders that volumes would be mounted at and the app's port.
#include "tests/product/samples.h"

#include <doctest/doctest.h>
#include <fstream>
#include <set>

#include "tests/product/cluster.h"
#include "tests/support/free_port.h"
#include "tests/support/temp_folder.h"

using namespace wp;
using nlohmann::json;
using wp::test::eventually;
using wp::test::Product;
using wp::test::SampleCase;

namespace {

template <typename Use>
auto with_queue(Product& product, const std::string& pool, Use use) {
  redis::Connection connection(product.redis().endpoint());
  connection.connect();
  queue::Queue queue(connection, product.queue_name(pool));
  return use(queue);
}

void apply(Product& product, const json& object, const std::string& plural) {
  const std::string api = object.at("apiVersion");
  const std::size_t slash = api.find('/');
  const kube::Resource resource{.group = slash == std::string::npos ? "" : api.substr(0, slash),
                                .version = slash == std::string::npos ? api : api.substr(slash + 1),
                                .plural = plural};
  (void)product.api().patch(
      kube::resource_path(resource, object.at("metadata").value("namespace", ""),
                          object.at("metadata").at("name").get<std::string>()),
      kube::PatchType::apply, object, {.field_manager = "test", .force = true, .strict = true});
}

void apply_sample(const SampleCase& sample, Product& product, const std::string& folder) {
  const std::string port = std::to_string(test::free_port());
  for (const json& object :
       sample_documents(sample, {{"redis://redis.workerpool-demo:6379", product.redis().tcp_url()},
                                 {"workerpool-demo", product.ns()},
                                 {"/app/", folder + "/"},
                                 {", /data]", ", " + folder + "/data]"},
                                 {":8000/", ":" + port + "/"},
                                 {"\"8000\"", "\"" + port + "\""}})) {
    const std::string kind = object.at("kind");
    if (kind == "ConfigMap") {
      for (const auto& [name, text] : object.at("data").items()) {
        std::ofstream(folder + "/" + name) << text.get<std::string>();
      }
      apply(product, object, "configmaps");
    } else if (kind == "PersistentVolumeClaim") {
      apply(product, test::volume_for(object, product.ns(), "/nowhere"), "persistentvolumes");
      apply(product, object, "persistentvolumeclaims");
    } else if (kind == "WorkerPool") {
      apply(product, object, "workerpools");
    } else if (kind != "Namespace") {  // Redis: the test has its own
      CHECK(object.at("metadata").at("name") == "redis");
    }
  }
}

void try_pool(const SampleCase& sample, Product& product, const std::string& pool) {
  CAPTURE(pool);
  REQUIRE(eventually([&] { return product.condition(pool, "QueueReachable") == "True/Reached"; },
                     Millis{60000}));
  with_queue(product, pool, [&](queue::Queue& queue) { enqueue_sample(queue, sample); });
  const auto last = [&] {
    return with_queue(product, pool,
                      [&](queue::Queue& queue) { return last_of_sample(queue, sample); });
  };
  const bool done =
      eventually([&] { return last().state == queue::JobState::done; }, Millis{60000});
  const queue::JobView job = last();
  REQUIRE_MESSAGE(done, job.result);
  CHECK_MESSAGE(is_result_of(sample, job), job.result);
  CHECK(eventually([&] { return product.condition(pool, "Ready").starts_with("True/"); },
                   Millis{60000}));
  CHECK(product.condition(pool, "DrainTooShort") == "False/AsDeclared");
  CHECK(product.check(pool).empty());
}

}  // namespace

TEST_CASE("every sample, applied, does its work") {
  if (!test::have_cluster()) exit(77);
  std::set<std::string> tried;
  Product product;
  for (const SampleCase& sample : test::sample_cases()) {
    CAPTURE(sample.file);
    tried.insert(sample.file);
    const test::OwnFolder folder;
    apply_sample(sample, product, folder.path());
    for (const std::string pool : sample.pools) try_pool(sample, product, pool);
    for (const std::string pool : sample.pools) (void)product.api().remove(product.pool_path(pool));
    CHECK(eventually([&] { return product.pods(sample.pools[0]).empty(); }, Millis{60000}));
  }
  for (const std::string& name : test::sample_files()) CHECK_MESSAGE(tried.contains(name), name);
}
