// docs/pods.md against what build_pod_template() does: its table lists every part that is added to
// a template, and nothing that is not. So it also shows that nothing else is touched.
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <regex>
#include <set>

#include "operator/workload/pod_template.h"
#include "tests/operator/workload/pools.h"

using namespace wp;
using namespace wp::workload;
using nlohmann::json;

namespace {

using Parts = std::set<std::string>;

// "worker env WP_QUEUE", one for each part that a row of the table names.
Parts documented() {
  const char* source = std::getenv("WORKERPOOL_SOURCE");
  std::ifstream file(std::string(source != nullptr ? source : ".") + "/docs/pods.md");
  REQUIRE(file.good());
  static const std::regex row(R"(\| `(pod|worker|app|install)` \| ([^|]*) \|.*)");
  static const std::regex quoted("`([^`]*)`");
  Parts parts;
  for (std::string line; std::getline(file, line);) {
    std::smatch found;
    if (!std::regex_match(line, found, row)) continue;
    const std::string what = found[2];
    for (std::sregex_iterator it(what.begin(), what.end(), quoted), end; it != end; ++it) {
      const std::string part = found[1].str() + " " + (*it)[1].str();
      CHECK_MESSAGE(parts.insert(part).second, part);
    }
  }
  return parts;
}

json member(const json& object, const char* key, json otherwise) {
  return object.contains(key) ? object.at(key) : otherwise;
}

// By what Kubernetes tells the entries of a list apart.
std::map<std::string, json> by_key(const json& list, const char* key) {
  std::map<std::string, json> made;
  for (const json& one : list) made[one.at(key).get<std::string>()] = one;
  return made;
}

void compare_list(const json& before, const json& after, const char* list, const char* key,
                  const std::string& prefix, Parts& parts) {
  const auto old = by_key(member(before, list, json::array()), key);
  const auto fresh = by_key(member(after, list, json::array()), key);
  for (const auto& [name, value] : fresh) {
    if (!old.contains(name) || old.at(name) != value) parts.insert(prefix + name);
  }
  for (const auto& [name, value] : old) {
    if (!fresh.contains(name)) parts.insert(prefix + name);
  }
}

void compare_container(const json& before, const json& after, const std::string& where,
                       Parts& parts) {
  compare_list(before, after, "env", "name", where + " env ", parts);
  compare_list(before, after, "volumeMounts", "mountPath", where + " volumeMount ", parts);
  compare_list(before, after, "ports", "name", where + " port ", parts);
  json flat_before = before;
  json flat_after = after;
  for (json* flat : {&flat_before, &flat_after}) {
    for (const char* list : {"env", "volumeMounts", "ports"}) flat->erase(list);
    for (const char* object : {"securityContext", "lifecycle"}) {
      const json fields = member(*flat, object, json::object());
      for (const auto& [key, value] : fields.items()) {
        (*flat)[std::string(object) + "." + key] = value;
      }
      flat->erase(object);
    }
  }
  for (const json& step : json::diff(flat_before, flat_after)) {
    std::string path = step.at("path").get<std::string>().substr(1);
    parts.insert(where + " " + path.substr(0, path.find('/')));
  }
}

// What was added to, changed in or taken from the template. `worker` and `app`: their names.
Parts changes(const json& before, const json& after, const std::string& worker,
              const std::string& app) {
  Parts parts;
  const json labels_before =
      member(member(before, "metadata", json::object()), "labels", json::object());
  for (const auto& [name, value] : after.at("metadata").at("labels").items()) {
    if (!labels_before.contains(name) || labels_before.at(name) != value) {
      parts.insert("pod label " + name);
    }
  }
  const json& old = before.at("spec");
  const json& fresh = after.at("spec");
  compare_list(old, fresh, "volumes", "name", "pod volume ", parts);
  std::map<std::string, json> containers;
  for (const char* list : {"initContainers", "containers"}) {
    containers.merge(by_key(member(old, list, json::array()), "name"));
  }
  std::size_t met = 0;
  for (const char* list : {"initContainers", "containers"}) {
    for (const auto& [name, container] : by_key(member(fresh, list, json::array()), "name")) {
      const std::string where = name == worker                 ? "worker"
                                : name == app                  ? "app"
                                : name == "workerpool-install" ? "install"
                                                               : "other";
      const bool known = containers.contains(name);
      met += known ? 1 : 0;
      if (!known) parts.insert("pod " + std::string(list, std::strlen(list) - 1) + " " + name);
      compare_container(known ? containers.at(name) : json{{"name", name}}, container, where,
                        parts);
    }
  }
  CHECK(met == containers.size());  // none was taken away
  json rest_before = old;
  json rest_after = fresh;
  for (json* rest : {&rest_before, &rest_after}) {
    for (const char* list : {"volumes", "initContainers", "containers"}) rest->erase(list);
  }
  for (const json& step : json::diff(rest_before, rest_after)) {
    parts.insert("pod " + step.at("path").get<std::string>().substr(1));
  }
  return parts;
}

struct Sample {
  const char* handler;
  const char* queue = "{redis: {url: redis://redis:6379/0}}";
  bool sidecars = true;
};

constexpr const char* kSafeRedis = R"({redis: {url: "rediss://redis:6379/0",
    secretRef: {name: auth},
    tls: {caSecretRef: {name: ca, key: ca.crt}, certSecretRef: {name: cert}, serverName: r,
          insecureSkipVerify: true},
    sentinel: {masterName: main, nodes: [a], secretRef: {name: watch},
               tls: {caSecretRef: {name: ca, key: ca.crt}, certSecretRef: {name: cert},
                     serverName: s, insecureSkipVerify: true}}}})";

// A template that has as much of its own as possible: none of it may change.
constexpr const char* kTemplate = R"(
  metadata: {labels: {team: red}, annotations: {a: b}}
  spec:
    serviceAccountName: jobs
    nodeSelector: {disk: fast}
    terminationGracePeriodSeconds: 5
    initContainers: [{name: prepare, image: p}]
    volumes: [{name: data, emptyDir: {}}]
    containers:
    - name: app
      image: a
      args: [serve]
      workingDir: /w
      env: [{name: MODE, value: fast}, {name: WP_QUEUE, value: other}]
      ports: [{name: web, containerPort: 8000}]
      resources: {requests: {cpu: 1}}
      securityContext: {readOnlyRootFilesystem: true}
      volumeMounts: [{name: data, mountPath: /data}]
    - {name: proxy, image: s, env: [{name: WP_QUEUE, value: mine}]}
)";

}  // namespace

TEST_CASE("docs/pods.md lists what is put into a pod, and nothing else is") {
  const Sample samples[] = {
      {"{exec: {command: [x]}}"},
      {"{exec: {command: [x]}}", kSafeRedis},
      {"{stdio: {command: [x]}}"},
      {"{http: {url: 'http://127.0.0.1:8000/'}}", kSafeRedis},
      {"{http: {url: 'http://127.0.0.1:8000/'}}", "{redis: {url: redis://redis:6379/0}}", false},
      {"null"},
  };
  Parts seen;
  const Parts table = documented();
  for (const Sample& sample : samples) {
    CAPTURE(sample.handler);
    const pool::Pool pool = test::pool_with_workers(
        std::string("template:") + kTemplate + "container: app\nhandler: " + sample.handler,
        sample.queue);
    const json after =
        build_pod_template(pool, {.runner_image = "runner:1", .native_sidecars = sample.sidecars});
    const bool beside = pool.spec.workers.handler.http.has_value();
    for (const std::string& part :
         changes(pool.spec.workers.pod_template, after, beside ? "workerpool-runner" : "app",
                 beside ? "app" : "")) {
      CHECK_MESSAGE(table.contains(part), part);
      seen.insert(part);
    }
  }
  for (const std::string& part : table) CHECK_MESSAGE(seen.contains(part), part);
}
