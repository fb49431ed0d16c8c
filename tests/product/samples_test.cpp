// Every sample of manifests/samples, applied and at work. Its texts are used as they stand but for
// what this cluster cannot have: the namespace, the address of Redis, and, as pods are processes
// here, the folders that volumes would be mounted at and the app's port.
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "operator/pool/yaml.h"
#include "tests/product/cluster.h"
#include "tests/support/free_port.h"
#include "tests/support/replace_all.h"
#include "tests/support/temp_folder.h"

using namespace wp;
using nlohmann::json;
using wp::test::eventually;
using wp::test::Product;
using wp::test::replace_all;

namespace {

struct Job {
  const char* type = "job";
  const char* payload = "one two three";
  const char* session = "";
  std::vector<const char*> then = {};  // the types of the steps that follow
};

struct SampleCase {
  const char* file;
  std::vector<const char*> pools;
  Job job = {};
  const char* result;  // a part of the last job's
};

const SampleCase kSamples[] = {
    // Of "one two three", computed elsewhere.
    {"quickstart",
     {"quickstart"},
     {},
     "6899ee404683a14e8c2a03149860df25d67d34d9cd4dae7350cbe91e4b3976be"},
    {"thresholds", {"thresholds"}, {}, "13"},
    {"browser-sessions",
     {"browser-small", "browser-medium", "browser-large"},
     {.payload = R"({"url": "example"})"},
     R"("visited":{"url":"example"})"},
    {"shared-sessions",
     {"shared-sessions"},
     {.type = "upload", .session = "order-7", .then = {"process", "result"}},
     R"({"after":"processed","text":"ONE TWO THREE"})"},
    {"http-app", {"http-app"}, {}, R"("letters":13)"},
    {"office-hours", {"office-hours"}, {}, "3"},
};

std::filesystem::path samples() {
  return std::filesystem::path(std::getenv("WORKERPOOL_SOURCE")) / "manifests/samples";
}

std::string text_of(const SampleCase& sample, Product& product, const std::string& folder) {
  std::ifstream file(samples() / (std::string(sample.file) + ".yaml"));
  REQUIRE(file.good());
  std::string text{std::istreambuf_iterator<char>(file), {}};
  replace_all(text, "redis://redis.workerpool-demo:6379/0", product.redis().tcp_url() + "/0");
  replace_all(text, "workerpool-demo", product.ns());
  replace_all(text, "/app/", folder + "/");
  replace_all(text, ", /data]", ", " + folder + "/data]");
  const std::string port = std::to_string(test::free_port());
  replace_all(text, ":8000/", ":" + port + "/");
  replace_all(text, "\"8000\"", "\"" + port + "\"");
  return text;
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

// A claim waits for a volume: here is one, which nothing is mounted from.
void offer_volume(Product& product, const json& claim) {
  const std::string name = "v-" + product.ns();
  apply(
      product,
      {{"apiVersion", "v1"},
       {"kind", "PersistentVolume"},
       {"metadata", {{"name", name}}},
       {"spec",
        {{"capacity", {{"storage", "1Gi"}}},
         {"accessModes", claim.at("spec").at("accessModes")},
         {"hostPath", {{"path", "/nowhere"}}},
         {"claimRef", {{"namespace", product.ns()}, {"name", claim.at("metadata").at("name")}}}}}},
      "persistentvolumes");
}

void apply_sample(const SampleCase& sample, Product& product, const std::string& folder) {
  for (const json& object : pool::yaml_documents(text_of(sample, product, folder))) {
    const std::string kind = object.at("kind");
    if (kind == "ConfigMap") {
      for (const auto& [name, text] : object.at("data").items()) {
        std::ofstream(folder + "/" + name) << text.get<std::string>();
      }
      apply(product, object, "configmaps");
    } else if (kind == "PersistentVolumeClaim") {
      offer_volume(product, object);
      apply(product, object, "persistentvolumeclaims");
    } else if (kind == "WorkerPool") {
      apply(product, object, "workerpools");
    } else if (kind != "Namespace") {  // Redis: the test has its own
      CHECK(object.at("metadata").at("name") == "redis");
    }
  }
}

void enqueue(Product& product, const std::string& pool, const Job& job) {
  redis::Connection connection(product.redis().endpoint());
  connection.connect();
  queue::NewJob first;
  first.id = "step-0";
  first.type = job.type;
  first.payload = job.payload;
  first.session = job.session;
  for (std::size_t i = 0; i < job.then.size(); ++i) {
    queue::ChainStep step;
    step.id = "step-" + std::to_string(i + 1);
    step.type = job.then[i];
    first.chain.push_back(step);
  }
  std::vector<queue::NewJob> jobs{std::move(first)};
  (void)queue::Queue(connection, product.queue_name(pool)).enqueue(jobs);
}

queue::JobView last_job(Product& product, const std::string& pool, const Job& job) {
  redis::Connection connection(product.redis().endpoint());
  connection.connect();
  return queue::Queue(connection, product.queue_name(pool))
      .job("step-" + std::to_string(job.then.size()));
}

}  // namespace

TEST_CASE("every sample, applied, does its work") {
  if (!test::have_cluster()) exit(77);
  std::set<std::string> tried;
  Product product;
  for (const SampleCase& sample : kSamples) {
    CAPTURE(sample.file);
    tried.insert(sample.file);
    const test::OwnFolder folder;
    apply_sample(sample, product, folder.path());
    for (const std::string pool : sample.pools) {
      CAPTURE(pool);
      REQUIRE(
          eventually([&] { return product.condition(pool, "QueueReachable") == "True/Reached"; },
                     Millis{30000}));
      enqueue(product, pool, sample.job);
      const bool done = eventually(
          [&] { return last_job(product, pool, sample.job).state == queue::JobState::done; },
          Millis{60000});
      const queue::JobView job = last_job(product, pool, sample.job);
      REQUIRE_MESSAGE(done, job.result);
      const std::string result = json::parse(job.result).at("result").dump();
      CHECK_MESSAGE(result.find(sample.result) != std::string::npos, result);
      CHECK(eventually([&] { return product.condition(pool, "Ready").starts_with("True/"); },
                       Millis{60000}));
      CHECK(product.condition(pool, "DrainTooShort") == "False/AsDeclared");
      CHECK(product.check(pool).empty());
    }
    for (const std::string pool : sample.pools) (void)product.api().remove(product.pool_path(pool));
    CHECK(eventually([&] { return product.pods(sample.pools[0]).empty(); }, Millis{60000}));
  }
  for (const auto& entry : std::filesystem::directory_iterator(samples())) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string name = entry.path().stem();
    CHECK_MESSAGE(tried.contains(name), name);
  }
}
