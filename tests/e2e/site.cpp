#include "tests/e2e/site.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/ids.h"
#include "operator/kube/config.h"
#include "queue/redis/endpoint.h"

namespace wp::test {
namespace {

const kube::Resource kPools{"workerpool.dev", "v1alpha1", "workerpools"};

constexpr const char* kImage = "workerpool.test/python:1";

constexpr const char* kRedis = R"yaml(
apiVersion: apps/v1
kind: Deployment
metadata: {name: redis}
spec:
  selector: {matchLabels: {app: redis}}
  template:
    metadata: {labels: {app: redis}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: redis
        image: workerpool.test/redis:1
        readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: redis}
spec:
  selector: {app: redis}
  ports: [{port: 6379}]
  # With a node of its own it would not share the fate of the workers' node.
  publishNotReadyAddresses: true
)yaml";

}  // namespace

Site::Site(const std::vector<std::string>& values)
    : ns_("t-" + random_hex(8)),
      api_(kube::load_config({.kubeconfig = std::getenv("KUBECONFIG")})) {
  // Server-side: every test brings the same, and none owns it.
  must_run({"kubectl", "apply", "--server-side", "--force-conflicts", "--filename",
            source_path("crds/workerpools.yaml")});
  must_run({"kubectl", "create", "namespace", ns_});
  try {
    install(values);
  } catch (const std::runtime_error& error) {
    // The destructor of what never came to be does not run.
    const std::string seen =
        run({"kubectl", "--namespace", ns_, "get", "pods,events"}).output + operator_log();
    (void)run({"kubectl", "delete", "namespace", ns_, "--wait=false"});
    throw std::runtime_error(error.what() + ("\n" + seen));
  }
}

void Site::install(const std::vector<std::string>& values) const {
  apply(std::string(kRedis));
  std::vector<std::string> words = {"helm",
                                    "install",
                                    kRelease,
                                    source_path("helm/workerpool"),
                                    "--namespace=" + ns_,
                                    "--set=crds.install=false",
                                    "--set=rbac.userRoles=false",
                                    "--set=watchNamespaces={" + ns_ + "}",
                                    "--wait",
                                    "--timeout=100s"};
  words.insert(words.end(), values.begin(), values.end());
  must_run(words);
  kubectl({"rollout", "status", "deployment/redis", "--timeout=60s"});
}

Site::~Site() {
  try {
    // The workers go at once: what they do at their leisure is another test's subject.
    (void)run({"kubectl", "delete", "workerpools", "--all", "--namespace", ns_, "--wait=false"});
    (void)run({"kubectl", "delete", "pods", "--all", "--namespace", ns_, "--grace-period=1",
               "--wait=false"});
    must_run({"kubectl", "delete", "namespace", ns_, "--timeout=60s"});
  } catch (const std::exception& error) {
    std::cerr << "namespace " << ns_ << " stays: " << error.what() << "\n";
  }
}

std::string Site::redis_url() const {
  return "redis://redis." + ns_ + ".svc.cluster.local:6379/0";
}

std::string Site::kubectl(std::vector<std::string> words, Millis deadline) const {
  words.insert(words.begin(), {"kubectl", "--namespace", ns_});
  return must_run(words, deadline);
}

void Site::apply_pool(const std::string& name, const nlohmann::json& handler,
                      const nlohmann::json& spec) const {
  nlohmann::json object = {
      {"apiVersion", "workerpool.dev/v1alpha1"},
      {"kind", "WorkerPool"},
      {"metadata", {{"name", name}}},
      {"spec",
       {{"queue", {{"redis", {{"url", redis_url()}}}}},
        {"workers",
         {{"handler", handler},
          {"template",
           {{"spec",
             {{"containers", nlohmann::json::array({{{"name", "job"}, {"image", kImage}}})}}}}}}},
        {"scaling",
         {{"maxReplicas", 5}, {"scaleToZeroAfter", "1s"}, {"scaleDownWindow", "10s"}}}}}};
  object["spec"].merge_patch(spec);
  apply(object);
}

nlohmann::json Site::pool(const std::string& name) const {
  return api_.get(kube::resource_path(kPools, ns_, name));
}

std::vector<SitePod> Site::pods(const std::string& pool) const {
  const nlohmann::json list = api_.list("/api/v1/namespaces/" + ns_ + "/pods",
                                        {.label_selector = "workerpool.dev/pool=" + pool});
  std::vector<SitePod> found;
  for (const nlohmann::json& item : list.at("items")) {
    const nlohmann::json& metadata = item.at("metadata");
    SitePod pod{.name = metadata.at("name"), .uid = metadata.at("uid")};
    pod.leaving = metadata.contains("deletionTimestamp");
    const auto statuses = item.at("status").value("containerStatuses", nlohmann::json::array());
    if (!statuses.empty()) {
      pod.container = statuses.front().value("containerID", "");
      pod.restarts = statuses.front().value("restartCount", 0);
      pod.ready = statuses.front().value("ready", false);
    }
    found.push_back(pod);
  }
  return found;
}

void Site::put(const std::string& pool, const std::map<std::string, std::string>& jobs) const {
  std::vector<queue::NewJob> batch;
  for (const auto& [id, payload] : jobs) {
    batch.emplace_back();
    batch.back().id = id;
    batch.back().payload = payload;
  }
  const auto served = [&] { return with_queue(pool, [](auto& q) { return q.counts(); }); };
  if (!eventually([&] { return served().config_present; }, Millis{30000}, Millis{50})) {
    throw std::runtime_error("nobody serves the queue of " + pool + ": " + operator_log());
  }
  with_queue(pool, [&](queue::Queue& q) { return q.enqueue(batch); });
}

queue::Counts Site::counts(const std::string& pool) const {
  return with_queue(pool, [](queue::Queue& q) { return q.counts({.worker_info = true}); });
}

std::vector<std::string> Site::books(const std::string& pool, const std::set<std::string>& jobs,
                                     const std::set<std::string>& dead) const {
  return with_queue(pool, [&](queue::Queue& q) {
    std::vector<std::string> wrong = q.check();
    for (const std::string& job : jobs) {
      const queue::JobState state = q.job(job).state;
      if (state == queue::JobState::unknown) wrong.push_back(job + " is lost");
      const auto meant = dead.contains(job) ? queue::JobState::dead : queue::JobState::done;
      if (state != meant) wrong.push_back(job + " is " + std::string(queue::to_string(state)));
    }
    auto stat = q.counts().stat;
    const auto count = [&](const std::string& name, std::size_t meant) {
      if (stat[name] == static_cast<std::int64_t>(meant)) return;
      wrong.push_back(std::to_string(stat[name]) + " " + name + ", not " + std::to_string(meant));
    };
    count("enqueued", jobs.size());
    count("completed", jobs.size() - dead.size());
    count("dead", dead.size());
    return wrong;
  });
}

std::string Site::operator_log() const {
  return run({"kubectl", "--namespace", ns_, "logs", "--tail=30", "--selector",
              "app.kubernetes.io/name=workerpool"})
      .output;
}

void share_with_pods(const GatedJobs& jobs) {
  // Workers run as somebody: they may enter the folder, read the gates and write the ledger.
  const std::filesystem::path ledger = jobs.command().back();
  std::filesystem::permissions(ledger.parent_path(), std::filesystem::perms::all);
  std::filesystem::permissions(ledger, std::filesystem::perms::all);
}

nlohmann::json with_shared_folder(const GatedJobs& jobs, const nlohmann::json& container) {
  const std::string folder = std::filesystem::path(jobs.command().back()).parent_path();
  nlohmann::json job = {
      {"name", "job"},
      {"image", kImage},
      {"volumeMounts", nlohmann::json::array({{{"name", "shared"}, {"mountPath", folder}}})}};
  job.merge_patch(container);
  return {{"spec",
           {{"containers", nlohmann::json::array({job})},
            {"volumes",
             nlohmann::json::array({{{"name", "shared"}, {"hostPath", {{"path", folder}}}}})}}}};
}

}  // namespace wp::test
