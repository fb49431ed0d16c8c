// `pools list` and `pools explain` as somebody runs them: against a scripted API server, and on the
// documents that local mode leaves.
#include <csignal>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "ctl/exit.h"
#include "tests/ctl/run.h"
#include "tests/support/fake_api.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;

namespace {

bool holds(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("\"", text, "\" lacks \"", std::string(part), "\"");
  return found;
}

json pool(const std::string& ns, const std::string& name) {
  return json::parse(fmt::format(
      R"({{"apiVersion": "workerpool.dev/v1alpha1", "kind": "WorkerPool",
           "metadata": {{"namespace": "{0}", "name": "{1}", "generation": 1,
                         "creationTimestamp": "2026-01-01T00:00:00Z"}},
           "spec": {{"queue": {{"redis": {{"url": "redis://r:6379/0"}}}},
                     "workers": {{"template": {{"spec": {{"containers": [{{"name": "a",
                                                "image": "i"}}]}}}}}}}},
           "status": {{"observedGeneration": 1, "replicas": 2, "desiredReplicas": 2,
                       "readyReplicas": 2, "selector": "workerpool.dev/pool={1}",
                       "queue": {{"name": "{0}/{1}", "waiting": 7, "active": 2}},
                       "workers": {{"busy": 2}}, "health": "Healthy",
                       "decision": {{"replicas": 2, "cause": "AtMax",
                                     "reason": "9 workers; maxReplicas 2",
                                     "time": "2026-01-01T00:00:00Z"}},
                       "conditions": [{{"type": "Ready", "status": "True", "reason": "AsDeclared",
                                        "message": ""}}]}}}})",
      ns, name));
}

std::string list_of(std::vector<json> items) {
  return json{{"apiVersion", "v1"},
              {"kind", "List"},
              {"metadata", json::object()},
              {"items", std::move(items)}}
      .dump();
}

// A cluster with two pools in "media" and one in "other", the one named by a kubeconfig.
struct Cluster {
  FakeApi api;
  TempFolder folder;
  int forbidden = 0;  // answer so instead

  Cluster() {
    api.fallback([this](ApiExchange& exchange) { serve(exchange); });
    (void)folder.file(
        "kubeconfig",
        fmt::format(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
            "clusters: [{{name: c, cluster: {{server: \"http://127.0.0.1:{}\"}}}}]\n"
            "users: [{{name: u, user: {{}}}}]\n"
            "contexts: [{{name: test, context: {{cluster: c, user: u, namespace: media}}}}]\n",
            api.port()));
    std::filesystem::create_directories(folder.path() + "/run/workerpool");
    chmod_private(folder.path() + "/run/workerpool");
  }
  static void chmod_private(const std::string& path) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  void serve(ApiExchange& exchange) const {
    const std::string base = "/apis/workerpool.dev/v1alpha1/";
    const std::string target = exchange.request().target;
    const std::string path = target.substr(0, target.find('?'));
    if (forbidden != 0) return failure(forbidden, forbidden == 403 ? "Forbidden" : "")(exchange);
    if (path == base + "namespaces/media/workerpools") {
      return exchange.reply(200, list_of({pool("media", "mail"), pool("media", "thumbnails")}));
    }
    if (path == base + "namespaces/empty/workerpools") return exchange.reply(200, list_of({}));
    if (path == base + "workerpools") {
      return exchange.reply(200, list_of({pool("other", "mail"), pool("media", "thumbnails")}));
    }
    if (path == base + "namespaces/media/workerpools/thumbnails") {
      return exchange.reply(200, pool("media", "thumbnails").dump());
    }
    if (path == base + "namespaces/other/workerpools/mail") {
      return exchange.reply(200, pool("other", "mail").dump());
    }
    if (path == "/api/v1/namespaces/media/pods" &&
        target.find("labelSelector=workerpool.dev%2Fpool%3Dthumbnails") != std::string::npos) {
      return exchange.reply(
          200, list_of({{{"metadata", {{"name", "w-1"}}}},
                        {{"metadata",
                          {{"name", "w-2"}, {"labels", {{"workerpool.dev/state", "retiring"}}}}}},
                        {{"metadata",
                          {{"name", "w-3"}, {"deletionTimestamp", "2026-01-01T00:00:00Z"}}}}}));
    }
    failure(404, "NotFound")(exchange);
  }

  // What local mode would leave.
  void local(const std::string& name, pid_t pid) const {
    json document = pool("default", name);
    document["local"] = {{"pid", pid}, {"leaving", {"worker-2"}}};
    (void)folder.file("run/workerpool/" + name + ".status.json", document.dump());
  }

  std::map<std::string, std::string> environment(bool configured = true) const {
    std::map<std::string, std::string> variables = {{"HOME", folder.path()},
                                                    {"XDG_RUNTIME_DIR", folder.path() + "/run"}};
    if (configured) variables["KUBECONFIG"] = folder.path() + "/kubeconfig";
    return variables;
  }
  Ran ctl(const std::vector<std::string>& words, bool configured = true) const {
    return run_ctl(words, "", environment(configured));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Cluster, "a pool of the cluster is explained, with who is leaving") {
  const Ran ran = ctl({"pools", "explain", "thumbnails"});
  CHECK(ran.exit == ctl::kDone);
  CHECK(ran.err.empty());
  CHECK(holds(ran.out, "media/thumbnails: 2 workers wanted, 2 ready, Healthy"));
  CHECK(holds(ran.out, "9 workers; maxReplicas 2"));
  CHECK(holds(ran.out, "Held by   spec.scaling.maxReplicas = 10"));
  CHECK(holds(ran.out, "Leaving   w-2, w-3 (ends)"));
  CHECK(holds(ran.out, folder.path() + "/kubeconfig, context test"));
  CHECK(holds(ctl({"pools", "explain", "other/mail"}).out, "other/mail: 2 workers"));
  CHECK(holds(ctl({"pools", "explain", "mail", "-n", "other"}).out, "other/mail: 2 workers"));
  const Ran document = ctl({"pools", "explain", "thumbnails", "-o", "json"});
  CHECK(json::parse(document.out).at("leaving").size() == 2);
  CHECK(holds(ctl({"pools", "explain", "thumbnails", "-o", "yaml"}).out, "cause: \"AtMax\""));
}

TEST_CASE_FIXTURE(Cluster, "the pools of a namespace, of another, of all, as documents") {
  const Ran ran = ctl({"pools", "list"});
  CHECK(ran.exit == ctl::kDone);
  CHECK(holds(ran.out, "NAME              WAITING  ACTIVE"));
  CHECK(holds(ran.out, "media/mail              7       2        2      2     2  Healthy"));
  CHECK_FALSE(ran.out.find("other/") != std::string::npos);
  CHECK(ctl({"pools", "list", "--namespace", "empty"}).out == "no pools\n");
  const Ran all = ctl({"pools", "list", "-A", "--wide"});
  CHECK(holds(all.out, "other/mail"));
  CHECK(holds(all.out, "AtMax"));
  const json document = json::parse(ctl({"pools", "list", "-o", "json"}).out);
  REQUIRE(document.at("pools").size() == 2);
  CHECK(document.at("pools").at(0).at("metadata").at("name") == "mail");
  CHECK(document.at("pools").at(0).at("kind") == "WorkerPool");
}

TEST_CASE_FIXTURE(Cluster, "a pool that is not there: exit 4, and the nearest names") {
  const Ran ran = ctl({"pools", "explain", "thumbnail"});
  CHECK(ran.exit == ctl::kNotFound);
  CHECK(ran.out.empty());
  CHECK(holds(ran.err, "workerpoolctl: pool thumbnail: there is none in namespace media"));
  CHECK(holds(ran.err, "media/thumbnails"));
  const Ran none = ctl({"pools", "explain"});
  CHECK(none.exit == ctl::kNotFound);
  CHECK(holds(none.err, "NAME: is missing; namespace media"));
  CHECK(holds(none.err, "has 2 pools; there are: media/mail, media/thumbnails"));
  const Ran uninstalled = ctl({"pools", "list", "-n", "nowhere"});
  CHECK(uninstalled.exit == ctl::kNotFound);
  CHECK(holds(uninstalled.err, "knows no WorkerPools: kubectl apply -f manifests/install.yaml"));
}

TEST_CASE_FIXTURE(Cluster, "an API server that does not let us in, or is not there: exit 69") {
  forbidden = 403;
  const Ran ran = ctl({"pools", "list"});
  CHECK(ran.exit == ctl::kUnreachable);
  CHECK(holds(ran.err, "Forbidden"));
  CHECK(holds(ran.err, "get and list workerpools"));
  forbidden = 401;
  CHECK(holds(ctl({"pools", "list"}).err, "credentials"));
  std::string text;
  {
    std::ifstream in(folder.path() + "/kubeconfig");
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  // Nobody listens on port 1.
  const std::string port = std::to_string(api.port());
  text.replace(text.find(port), port.size(), "1");
  (void)folder.file("kubeconfig", text);
  const Ran away = ctl({"pools", "explain", "thumbnails"});
  CHECK(away.exit == ctl::kUnreachable);
  CHECK(holds(away.err, "--local"));
  // A local pool of that name is explained meanwhile, and it is said why.
  local("thumbnails", getpid());
  const Ran instead = ctl({"pools", "explain", "thumbnails"});
  CHECK(instead.exit == ctl::kDone);
  CHECK(holds(instead.err, "these are local pools"));
  CHECK(holds(instead.out, "default/thumbnails: 2 workers"));
}

TEST_CASE_FIXTURE(Cluster, "without a cluster: the local pool, by its name or without") {
  const Ran none = ctl({"pools", "explain"}, false);
  CHECK(none.exit == ctl::kUnreachable);
  CHECK(holds(none.err, "no cluster is configured"));
  CHECK(holds(none.err, "no pool of local mode runs here"));
  local("tiny", getpid());
  const Ran ran = ctl({"pools", "explain"}, false);
  CHECK(ran.exit == ctl::kDone);
  CHECK(holds(ran.out, "default/tiny: 2 workers"));
  CHECK(holds(ran.out, "Leaving   worker-2"));
  CHECK(holds(ran.out, fmt::format("local mode on this machine (process {})", getpid())));
  CHECK(holds(ctl({"pools", "explain", "tiny"}, false).out, "default/tiny"));
  CHECK(holds(ctl({"pools", "explain", "default/tiny"}, false).out, "default/tiny"));
  CHECK(holds(ctl({"pools", "list"}, false).out, "default/tiny"));
  const Ran other = ctl({"pools", "explain", "tony"}, false);
  CHECK(other.exit == ctl::kNotFound);
  CHECK(holds(other.err, "default/tiny"));
  // With a cluster it is found all the same when that has no such pool …
  CHECK(holds(ctl({"pools", "explain", "tiny"}).out, "default/tiny"));
  CHECK(holds(ctl({"pools", "list", "--local"}).out, "default/tiny"));
  // … unless a cluster was named.
  CHECK(ctl({"pools", "explain", "tiny", "-n", "media"}).exit == ctl::kNotFound);
}

TEST_CASE_FIXTURE(Cluster, "what a killed local mode left, or is no pool, is passed over") {
  // A process that is over: this one's own child, waited for.
  const pid_t child = fork();
  if (child == 0) _exit(0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  local("gone", child);
  local("all", -1);
  local("init", 0);
  (void)folder.file("run/workerpool/odd.status.json", "[]");
  (void)folder.file("run/workerpool/half.status.json", R"({"metadata": {"name")");
  (void)folder.file("run/workerpool/none.status.json", R"({"local": {"pid": 1}})");
  CHECK(ctl({"pools", "list", "--local"}).out == "no pools\n");
}

TEST_CASE_FIXTURE(Cluster, "a watched list is printed again when it changes") {
  local("tiny", getpid());
  Run run({"pools", "list", "--local", "--watch"}, environment());
  REQUIRE(eventually([&] { return run.out_so_far().find("default/tiny") != std::string::npos; }));
  const std::string first = run.out_so_far();
  local("next", getpid());
  REQUIRE(eventually([&] { return run.out_so_far().find("default/next") != std::string::npos; }));
  CHECK(run.out_so_far().starts_with(first + "\nNAME"));
  run.signal(SIGINT);
  CHECK(run.wait().exit == 1000 + SIGINT);
}

TEST_CASE_FIXTURE(Cluster, "a kubeconfig that was named and is not there is wrong usage") {
  local("tiny", getpid());
  const Ran ran = ctl({"pools", "explain", "tiny", "--kubeconfig", folder.path() + "/absent"});
  CHECK(ran.exit == ctl::kUsage);
  CHECK(holds(ran.err, "absent"));
}
