// The resource on a real API server: what it refuses and in which words, what it fills in, what may
// change later, and that the operator's parser agrees with it. The cases of the rules are those of
// the parser's own test.
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <iterator>
#include <regex>

#include "base/units.h"
#include "operator/pool/fields.h"
#include "operator/pool/normalize.h"
#include "operator/pool/status.h"
#include "operator/pool/yaml.h"
#include "tests/crds/cluster.h"
#include "tests/operator/pool/rule_cases.h"
#include "tests/operator/pool/support.h"
#include "tests/operator/pool/url_cases.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::pool;
using namespace wp::crds;
using nlohmann::json;

namespace {

constexpr const char* kTry = "create --dry-run=server -o json -f -";

std::string source() {
  return std::getenv("WORKERPOOL_SOURCE");
}

// Installs the resource once, and a namespace for the pools.
void ready() {
  static const bool done = [] {
    const Answer applied = kubectl("apply --server-side -f '" + source() + "/crds'");
    REQUIRE_MESSAGE(applied.ok, applied.text);
    // `wait` itself fails while the new resource has no conditions at all.
    Answer waited;
    (void)test::eventually(
        [&] {
          waited = kubectl(
              "wait --for=condition=Established --timeout=30s "
              "crd/workerpools.workerpool.dev");
          return waited.ok;
        },
        Millis{60000});
    REQUIRE_MESSAGE(waited.ok, waited.text);
    kubectl("create namespace media");  // may be there already
    return true;
  }();
  static_cast<void>(done);
}

// A pool of its own for tests that change it, gone at the end.
class LivePool {
 public:
  LivePool(const std::string& name, const std::string& patch) : name_(name) {
    ready();
    json object = object_with(patch);
    object["metadata"]["name"] = name;
    const Answer made = kubectl("create -f -", object);
    REQUIRE_MESSAGE(made.ok, made.text);
  }
  ~LivePool() { kubectl("-n media delete wp " + name_); }
  LivePool(const LivePool&) = delete;
  LivePool& operator=(const LivePool&) = delete;

  Answer patch(const std::string& patch, const std::string& more = {}) const {
    return kubectl(
        "-n media patch wp " + name_ + " --type=merge " + more + " --patch-file /dev/stdin", patch);
  }
  json get() const { return json::parse(kubectl("-n media get wp -o json " + name_).text); }

 private:
  std::string name_;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

json::json_pointer pointer(std::string_view path) {
  std::string text = "/" + std::string(path);
  for (char& c : text) c = c == '.' ? '/' : c;
  return json::json_pointer(text);
}

// A value that the field must not take.
json bad_value(const Field& field) {
  switch (field.kind) {
    case Kind::integer:
      return field.max + 1;
    case Kind::duration:
      return format_duration(Millis{field.max + 1});
    case Kind::bytes:
      return std::to_string(field.max + 1);
    case Kind::text:
      return std::string(static_cast<std::size_t>(field.max + 1), 'a');
    case Kind::list:
      return json(std::vector<int>(static_cast<std::size_t>(field.max + 1), 1));
    case Kind::choice:
    case Kind::cpu:
    case Kind::int_or_percent:
      return "nonsense";
    default:
      return "not this kind";
  }
}

}  // namespace

TEST_CASE("the API server refuses what the rules refuse, in words that help") {
  ready();
  for (const RuleCase& one : kRuleCases) {
    CAPTURE(one.patch);
    const Answer answer = kubectl(kTry, object_with(one.patch));
    CHECK(answer.ok == std::string_view(one.answer).empty());
    CHECK_MESSAGE((answer.ok || contains(answer.text, one.answer)), answer.text);
    CHECK_FALSE(contains(answer.text, "evaluating rule"));  // a rule that fell over
    if (!answer.ok) CHECK_FALSE(contains(answer.text, "hunter2"));
  }
}

TEST_CASE("the address of an app beside: the same ones as the operator and the runner take") {
  ready();
  json all = {{"apiVersion", "v1"}, {"kind", "List"}, {"items", json::array()}};
  std::vector<bool> fine;
  const auto add = [&](const char* url, const char* path, bool is_fine) {
    json object = object_with(
        json{{"workers",
              {{"handler", {{"exec", nullptr}, {"http", {{"url", url}, {"readyPath", path}}}}}}}}
            .dump());
    object["metadata"]["name"] = "url-" + std::to_string(fine.size());
    all["items"].push_back(std::move(object));
    fine.push_back(is_fine);
  };
  for (const UrlCase& one : kUrlCases) add(one.url, "", one.fine);
  for (const UrlCase& one : kReadyPathCases) add("http://127.0.0.1", one.url, one.fine);
  const Answer answer = kubectl("create --dry-run=server -o name -f -", all);
  for (std::size_t i = 0; i < fine.size(); ++i) {
    const std::string handler = all["items"][i]["spec"]["workers"]["handler"].dump();
    CAPTURE(handler);
    CHECK(contains(answer.text + "\n", "/url-" + std::to_string(i) + "\n") == fine[i]);
  }
  CHECK_FALSE(contains(answer.text, "evaluating rule"));
}

TEST_CASE("blocks of other queue types are refused one by one") {
  ready();
  for (const char* block : {"list", "celery"}) {
    const Answer answer =
        kubectl(kTry, object_with(std::string(R"({"queue": {")") + block + R"(": {}}})"));
    CHECK_MESSAGE(contains(answer.text, std::string("remove ") + block + ", or set type to"),
                  answer.text);
  }
  const Answer http = kubectl(kTry, object_with(R"({"queue": {"http": {"url": "http://a"}}})"));
  CHECK_MESSAGE(contains(http.text, "remove http, or set type to Http"), http.text);
}

TEST_CASE("both accept the same") {
  ready();
  for (const char* patch : kFinePatches) {
    CAPTURE(patch);
    const Answer answer = kubectl(kTry, object_with(patch));
    REQUIRE_MESSAGE(answer.ok, answer.text);
    // And what the API server made of it, defaults included, still means the same to the parser.
    std::vector<SpecProblem> problems;
    CHECK(normalize_spec(json::parse(answer.text), {}, problems) ==
          normalize_spec(object_with(patch), {}, problems));
    CHECK(problems.empty());
  }
}

TEST_CASE("both refuse a value beyond each field's bounds") {
  ready();
  // One call for all: each pool is named after the row of its field.
  std::string objects;
  std::vector<const Field*> tried;
  for (const Field& field : fields()) {
    const std::string path(field.path);
    if (contains(path, "[]") || path == "spec") continue;
    CAPTURE(path);
    json object = minimal_object();
    // What these need besides; a missing field would keep the rules from being checked.
    if (path.starts_with("spec.queue.http.")) object[pointer("spec.queue.http.url")] = "http://a";
    if (path.starts_with("spec.workers.handler.stdio.")) {
      object[pointer("spec.workers.handler.stdio.command")] = json{"a"};
    }
    object["metadata"]["name"] = "bad-" + std::to_string(tried.size());
    object[pointer(path)] = bad_value(field);
    const auto found = lines(read_pool(object).problems);
    CHECK(std::any_of(found.begin(), found.end(),
                      [&](const std::string& line) { return line.starts_with(path + " "); }));
    objects += object.dump() + "\n---\n";
    tried.push_back(&field);
  }
  const Answer answer = kubectl("create --dry-run=server -f -", objects);
  for (std::size_t i = 0; i < tried.size(); ++i) {
    const std::string path(tried[i]->path);
    CAPTURE(path);
    const std::string head = "\"bad-" + std::to_string(i) + "\" is invalid";
    const std::size_t begin = answer.text.find(head);
    REQUIRE_MESSAGE(begin != std::string::npos, answer.text);
    const std::string part = answer.text.substr(begin, answer.text.find('\n', begin) - begin);
    CHECK_MESSAGE((contains(part, path + ":") || contains(part, path + "[")), part);
  }
}

TEST_CASE("the API server fills in the defaults of the table") {
  ready();
  const Answer answer = kubectl(kTry, minimal_object());
  REQUIRE_MESSAGE(answer.ok, answer.text);
  const json made = json::parse(answer.text);
  for (const Field& field : fields()) {
    const std::string path(field.path);
    if (contains(path, "[]") || field.kind == Kind::object || field.preset == nullptr) continue;
    CAPTURE(path);
    const bool parent_there = made.contains(pointer(path.substr(0, path.rfind('.'))));
    CHECK(made.contains(pointer(path)) == (parent_there && !field.has(kTuning)));
  }
  CHECK(made.at("spec").at("jobs").at("lease") == "15s");
  CHECK_FALSE(made.at("spec").contains("replicas"));
  CHECK_FALSE(made.at("spec").at("scaling").contains("lookAhead"));
}

TEST_CASE("what a template holds is kept, what is unknown elsewhere is dropped or refused") {
  ready();
  json object = object_with(R"({"workers": {"template": {
    "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["e/f"]},
    "spec": {"priorityClassName": "p", "containers": [
      {"name": "app", "image": "i", "env": [{"name": "A", "value": "B"}], "ports": []}]}}}})");
  const json pod = object.at("spec").at("workers").at("template");
  object["spec"]["scaling"]["maxReplica"] = 3;
  const Answer loose = kubectl(std::string(kTry) + " --validate=ignore", object);
  REQUIRE_MESSAGE(loose.ok, loose.text);
  const json made = json::parse(loose.text);
  CHECK(made.at("spec").at("workers").at("template") == pod);
  CHECK_FALSE(made.at("spec").at("scaling").contains("maxReplica"));
  const Answer strict = kubectl(kTry, object);
  CHECK_MESSAGE(contains(strict.text, "unknown field \"spec.scaling.maxReplica\""), strict.text);
}

TEST_CASE("a name that the workers could not carry is refused") {
  ready();
  json object = minimal_object();
  object["metadata"]["name"] = std::string(53, 'a');
  const Answer answer = kubectl(kTry, object);
  CHECK_MESSAGE(contains(answer.text, "metadata.name must have at most 52 characters"),
                answer.text);
  object["metadata"]["name"] = std::string(52, 'a');
  CHECK(kubectl(kTry, object).ok);
}

TEST_CASE("queue and target can't be changed later") {
  constexpr const char* kName = "name can't be changed, set or removed later";
  constexpr const char* kTarget = "the choice of template or deploymentRef";
  const LivePool named("immutable-a", R"({"queue": {"name": "media/one"}})");
  const LivePool plain("immutable-b", "{}");
  const LivePool ref("immutable-c", R"({"workers": {"template": null, "handler": null,
                                                    "deploymentRef": {"name": "web"}}})");
  const auto refused = [](const LivePool& pool, const char* patch, const char* words) {
    CAPTURE(patch);
    const Answer answer = pool.patch(patch);
    CHECK_FALSE(answer.ok);
    CHECK_MESSAGE(contains(answer.text, words), answer.text);
  };
  refused(named, R"({"spec": {"queue": {"name": "media/two"}}})", kName);
  refused(named, R"({"spec": {"queue": {"name": null}}})", kName);
  refused(plain, R"({"spec": {"queue": {"name": "media/two"}}})", kName);
  refused(plain, R"({"spec": {"queue": {"type": "RQ", "name": "q"},
                              "workers": {"handler": null}}})",
          "type can't be changed");
  refused(plain, R"({"spec": {"workers": {"template": null, "handler": null,
                                          "deploymentRef": {"name": "x"}}}})",
          kTarget);
  refused(ref, R"({"spec": {"workers": {"deploymentRef": {"name": "other"}}}})", kTarget);
  // What may change does.
  CHECK(named.patch(R"({"spec": {"queue": {"maxDepth": 5}, "workers": {"concurrency": 2}}})").ok);
  CHECK(plain.patch(R"({"spec": {"queue": {"redis": {"url": "redis://other:1"}}}})").ok);
}

TEST_CASE("kubectl scale sets a fixed size, a merge patch gives it back") {
  const LivePool pool("scaled", "{}");
  const Answer scaled = kubectl("-n media scale wp scaled --replicas=3");
  CHECK_MESSAGE(scaled.ok, scaled.text);
  CHECK(pool.get().at("spec").at("replicas") == 3);
  CHECK(pool.patch(R"({"status": {"replicas": 2, "selector": "workerpool.dev/pool=scaled"}})",
                   "--subresource=status")
            .ok);
  const Answer scale =
      kubectl("get --raw /apis/workerpool.dev/v1alpha1/namespaces/media/workerpools/scaled/scale");
  REQUIRE_MESSAGE(scale.ok, scale.text);
  const json found = json::parse(scale.text);
  CHECK(found.at("spec").at("replicas") == 3);
  CHECK(found.at("status") == json{{"replicas", 2}, {"selector", "workerpool.dev/pool=scaled"}});
  CHECK(pool.patch(R"({"spec": {"replicas": null}})").ok);
  CHECK_FALSE(pool.get().at("spec").contains("replicas"));
}

TEST_CASE("a full status is stored as it was written, and shown") {
  const LivePool pool("shown", "{}");
  Status status;
  status.observed_generation = 1;
  status.replicas = status.ready_replicas = 7;
  status.desired_replicas = 8;
  status.selector = "workerpool.dev/pool=shown";
  status.queue = QueueStatus{"media/shown", 120, 3, 14, 0, 2, false};
  status.workers = WorkersStatus{6, 1, 0, 0, 0};
  status.jobs = JobsStatus{5120, 12, 310, 99, 800, 2100};
  status.health = HealthStatus::healthy;
  status.decision = DecisionStatus{8, "Backlog", "120 waiting + 14 running", ""};
  status.ramp = RampStatus{.step = 1,
                           .since = "2026-01-01T00:00:00Z",
                           .state = "Advancing",
                           .trigger = "lostJobs",
                           .jobs = {"a"},
                           .hash = "5f2c",
                           .reset = "again",
                           .baseline = RampBaseline{1, 2, 3, 4}};
  status.measured = MeasuredStatus{800, 5200};
  status.scale_operations = 42;
  status.last_scale_time = "2026-01-01T00:00:00Z";
  status.set({.type = "Ready",
              .status = ConditionStatus::is_true,
              .reason = "AsDeclared",
              .message = std::string(5000, 'x'),
              .observed_generation = 1});
  carry_over({}, Millis{1750000000000}, status);
  const Answer written =
      pool.patch(json{{"status", to_json(status)}}.dump(), "--subresource=status");
  REQUIRE_MESSAGE(written.ok, written.text);
  CHECK(pool.get().at("status") == to_json(status));
  CHECK_FALSE(status_differs(status, status_from_json(pool.get().at("status"))));

  const std::string narrow = kubectl("-n media get wp shown").text;
  CHECK_MESSAGE(narrow.starts_with("NAME    WAITING   ACTIVE   DESIRED   READY   BUSY   HEALTH    "
                                   "AGE\nshown   120       14       8         7       6      "
                                   "Healthy   "),
                narrow);
  std::string wide = kubectl("-n media get workerpool shown -o wide").text;
  // The age is not ours to say.
  wide = std::regex_replace(wide, std::regex("Healthy   \\w+ +"), "Healthy   1s    ");
  CHECK_MESSAGE(
      wide ==
          "NAME    WAITING   ACTIVE   DESIRED   READY   BUSY   HEALTH    AGE   QUEUE        "
          " MIN   MAX   SUCCESS%   P95-MS   CAUSE\n"
          "shown   120       14       8         7       6      Healthy   1s    media/shown  "
          " 0     10    99         2100     Backlog\n",
      wide);
}

TEST_CASE("every manifest is one that the API server takes") {
  ready();
  for (const char* file : {"manifests/install.yaml", "manifests/samples/quickstart.yaml"}) {
    CAPTURE(file);
    std::ifstream stream(source() + "/" + file);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    std::vector<std::string> made;
    for (const json& document : yaml_documents(text)) {
      const bool is_namespace = document.at("kind") == "Namespace";
      const Answer answer =
          kubectl(is_namespace ? "create -f -"
                               : "apply --server-side --force-conflicts --dry-run=server -f -",
                  document);
      const bool there = is_namespace && contains(answer.text, "AlreadyExists");
      CHECK_MESSAGE((answer.ok || there), answer.text);
      if (is_namespace && !there) made.push_back(document.at("metadata").at("name"));
    }
    for (const std::string& name : made) kubectl("delete --wait=false namespace " + name);
  }
}
