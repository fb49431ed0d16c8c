#include "operator/workload/pod_template.h"

#include <doctest/doctest.h>

#include "operator/pool/grace_period.h"
#include "tests/operator/workload/pools.h"

using namespace wp;
using namespace wp::workload;
using nlohmann::json;
using wp::test::plain_pool;
using wp::test::pool_with_workers;

namespace {

const DeploymentOptions kOptions{.runner_image = "registry/runner:1"};

json template_of(const pool::Pool& pool) {
  return build_pod_template(pool, kOptions);
}

json variable(const json& container, const std::string& name) {
  json found;
  for (const json& one : container.at("env")) {
    if (one.at("name") != name) continue;
    CHECK(found.is_null());
    found = one;
  }
  return found;
}

json with_handler(const std::string& pod_spec) {
  return template_of(pool_with_workers("template: {spec: " + pod_spec +
                                       "}\nhandler: {exec: {command: [/app/job]}}"));
}

std::string refusal(const std::string& workers) {
  try {
    template_of(pool_with_workers(workers));
  } catch (const TemplateError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a handler: the runner takes the container's command") {
  const json pod = with_handler("{containers: [{name: app, image: a, command: [x], args: [y]}]}");
  const json& container = pod.at("spec").at("containers").at(0);
  CHECK(container.at("command") == json::array({"/workerpool/bin/workerpool-runner"}));
  CHECK_FALSE(container.contains("args"));
  CHECK(container.at("image") == "a");
  CHECK(container.at("volumeMounts") ==
        json::parse(R"([{"name": "workerpool", "mountPath": "/workerpool", "readOnly": true},
                        {"name": "workerpool-scratch", "mountPath": "/workerpool-scratch"}])"));
  CHECK(pod.at("spec").at("volumes") == json::parse(R"([{"name": "workerpool", "emptyDir": {}},
                        {"name": "workerpool-scratch", "emptyDir": {"sizeLimit": "1Gi"}}])"));
  const json& init = pod.at("spec").at("initContainers").at(0);
  CHECK(init.at("name") == "workerpool-install");
  CHECK(init.at("image") == "registry/runner:1");
  CHECK(init.at("command") ==
        json::array({"/workerpool/bin/workerpool-runner", "install", "/workerpool-share"}));
  CHECK(init.at("volumeMounts") ==
        json::parse(R"([{"name": "workerpool", "mountPath": "/workerpool-share"}])"));
}

TEST_CASE("the worker's variables") {
  const json pod = template_of(plain_pool());
  const json& container = pod.at("spec").at("containers").at(0);
  const auto field = [&container](const char* name) {
    return variable(container, name).at("valueFrom").at("fieldRef").at("fieldPath");
  };
  CHECK(field("WP_POD_NAME") == "metadata.name");
  CHECK(field("WP_POD_UID") == "metadata.uid");
  CHECK(field("WP_NODE") == "spec.nodeName");
  const auto value = [&container](const char* name) {
    return variable(container, name).at("value");
  };
  CHECK(value("WP_REDIS_URL") == "redis://redis:6379/0");
  CHECK(value("WP_QUEUE") == "media/thumbnails");
  CHECK(value("WP_CONCURRENCY") == "1");
  CHECK(value("WP_DRAIN_TIMEOUT") == "5m");
  CHECK(value("WP_HANDLER") == "exec");
  CHECK(value("WP_HANDLER_COMMAND") == R"(["python3","/app/job.py","a b"])");
  CHECK(value("WP_DEFER_EXIT_CODE") == "75");
  CHECK(value("WP_DEAD_EXIT_CODE") == "65");
  CHECK(variable(container, "WP_REDIS_PASSWORD").is_null());
}

TEST_CASE("credentials come from Secrets, by reference only") {
  const json pod = template_of(pool_with_workers(
      "{template: {spec: {containers: [{name: a}]}}, handler: {exec: {command: [x]}}}",
      "{redis: {urlSecretRef: {name: where, key: url}, "
      "secretRef: {name: who, passwordKey: pw}}}"));
  const json& container = pod.at("spec").at("containers").at(0);
  const auto secret = [&container](const char* name) {
    return variable(container, name).at("valueFrom").at("secretKeyRef");
  };
  CHECK(secret("WP_REDIS_URL") == json({{"name", "where"}, {"key", "url"}}));
  CHECK(secret("WP_REDIS_USERNAME") ==
        json({{"name", "who"}, {"key", "username"}, {"optional", true}}));
  // As a file, which the kubelet renews: a variable would be the one of the pod's start.
  CHECK(variable(container, "WP_REDIS_PASSWORD").is_null());
  CHECK(variable(container, "WP_REDIS_PASSWORD_FILE").at("value") == "/workerpool-redis/password");
  const json source =
      json::parse(R"({"secret": {"name": "who", "items": [{"key": "pw", "path": "password"}]}})");
  bool found = false;
  for (const json& volume : pod.at("spec").at("volumes")) {
    if (volume.at("name") != "workerpool-redis") continue;
    found = volume.at("projected").at("sources") == json::array({source});
  }
  CHECK(found);
}

TEST_CASE("variables of the user: ours replace those of the same name, once") {
  const json pod = with_handler(
      "{containers: [{name: a, env: [{name: WP_QUEUE, value: other}, {name: MODE, value: fast}, "
      "{name: WP_LOG_LEVEL, value: debug}]}]}");
  const json& container = pod.at("spec").at("containers").at(0);
  CHECK(variable(container, "WP_QUEUE").at("value") == "media/thumbnails");
  CHECK(container.at("env").at(0) == json({{"name", "MODE"}, {"value", "fast"}}));
  CHECK(container.at("env").at(1) == json({{"name", "WP_LOG_LEVEL"}, {"value", "debug"}}));
}

TEST_CASE("probes on a port of their own, where the user set none") {
  SUBCASE("none set") {
    const json pod = template_of(plain_pool());
    const json& container = pod.at("spec").at("containers").at(0);
    CHECK(container.at("ports") ==
          json::parse(R"([{"name": "wp-probe", "containerPort": 9808, "protocol": "TCP"}])"));
    CHECK(container.at("readinessProbe").at("httpGet") ==
          json({{"path", "/readyz"}, {"port", "wp-probe"}}));
    CHECK(container.at("livenessProbe").at("httpGet") ==
          json({{"path", "/healthz"}, {"port", "wp-probe"}}));
  }
  SUBCASE("the user's own readiness stays") {
    const json pod =
        with_handler("{containers: [{name: a, readinessProbe: {exec: {command: [t]}}}]}");
    const json& container = pod.at("spec").at("containers").at(0);
    CHECK(container.at("readinessProbe") == json::parse(R"({"exec": {"command": ["t"]}})"));
    CHECK(container.at("livenessProbe").contains("httpGet"));
  }
  SUBCASE("the port is there under another name: an apply knows a port by its number") {
    const json pod =
        with_handler("{containers: [{name: a, ports: [{name: m, containerPort: 9808}]}]}");
    const json& container = pod.at("spec").at("containers").at(0);
    CHECK(container.at("ports").size() == 1);
    CHECK(container.at("livenessProbe").at("httpGet").at("port") == 9808);
  }
  SUBCASE("the user moved the probes") {
    const json pod =
        with_handler("{containers: [{name: a, env: [{name: WP_PROBE_ADDR, value: ':9999'}]}]}");
    const json& container = pod.at("spec").at("containers").at(0);
    CHECK_FALSE(container.contains("ports"));
    CHECK_FALSE(container.contains("livenessProbe"));
  }
}

TEST_CASE("the handler gets its words as they are declared: Kubernetes would expand them") {
  const json pod = template_of(pool_with_workers(
      R"(template: {spec: {containers: [{name: a}]}}
handler: {exec: {command: [sh, -c, "echo $$ $(HOME) $WP_JOB_ID 5$"]}})"));
  CHECK(variable(pod.at("spec").at("containers").at(0), "WP_HANDLER_COMMAND").at("value") ==
        R"(["sh","-c","echo $$$$ $$(HOME) $$WP_JOB_ID 5$$"])");
}

TEST_CASE("a preStop of the container that runs the jobs is refused: its time is the drain's") {
  CHECK_THROWS_AS(
      with_handler("{containers: [{name: a, lifecycle: {preStop: {sleep: {seconds: 60}}}}]}"),
      TemplateError);
  CHECK_NOTHROW((void)with_handler(
      "{containers: [{name: a, lifecycle: {postStart: {exec: {command: [x]}}}}]}"));
}

TEST_CASE("a place for the jobs' folders, where the user chose none") {
  const auto scratch = [](const std::string& container) {
    const json pod = with_handler("{containers: [{name: a, " + container + "}]}");
    std::string paths;
    for (const json& mount : pod.at("spec").at("containers").at(0).at("volumeMounts")) {
      if (mount.at("name") != "workerpool-scratch") continue;
      paths += mount.at("mountPath").get<std::string>() + " ";
      CHECK_FALSE(mount.contains("readOnly"));
    }
    const json dir = variable(pod.at("spec").at("containers").at(0), "WP_SCRATCH_DIR");
    return paths + (dir.is_null() ? "" : dir.at("value").get<std::string>());
  };
  CHECK(scratch("image: x") == "/workerpool-scratch /workerpool-scratch");
  CHECK(scratch("securityContext: {readOnlyRootFilesystem: true}") ==
        "/workerpool-scratch /tmp /workerpool-scratch");
  CHECK(scratch("volumeMounts: [{name: big, mountPath: /tmp}]") == "");
  CHECK(scratch("env: [{name: WP_SCRATCH_DIR, value: /big}]") == "/big");
  CHECK(scratch("env: [{name: TMPDIR, value: /big}]") == "");
}

TEST_CASE("the restricted profile, field by field, where the user set none") {
  const auto context = [](const std::string& pod_spec) {
    return with_handler(pod_spec).at("spec").at("containers").at(0).at("securityContext");
  };
  const json all = json::parse(R"({
    "runAsNonRoot": true, "runAsUser": 65532, "allowPrivilegeEscalation": false,
    "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}})");
  CHECK(context("{containers: [{name: a}]}") == all);

  json own_user = all;
  own_user["runAsUser"] = 1000;
  own_user.erase("runAsNonRoot");
  CHECK(context("{containers: [{name: a, securityContext: {runAsUser: 1000}}]}") == own_user);

  json by_pod = all;
  by_pod.erase("runAsUser");
  by_pod.erase("runAsNonRoot");
  by_pod.erase("seccompProfile");
  CHECK(context("{securityContext: {runAsUser: 7, seccompProfile: {type: Unconfined}}, "
                "containers: [{name: a}]}") == by_pod);

  // The API server refuses a privileged container that may not escalate.
  const json privileged =
      context("{containers: [{name: a, securityContext: {privileged: true, runAsUser: 0}}]}");
  CHECK_FALSE(privileged.contains("allowPrivilegeEscalation"));
  CHECK_FALSE(privileged.contains("capabilities"));

  // Says the same, and so does the rest.
  CHECK(context("{containers: [{name: a, securityContext: {capabilities: {drop: [ALL]}}}]}") ==
        all);

  const json capable =
      context("{containers: [{name: a, securityContext: {capabilities: {add: [SYS_ADMIN]}}}]}");
  CHECK(capable.at("capabilities") == json::parse(R"({"add": ["SYS_ADMIN"]})"));
  CHECK_FALSE(capable.contains("allowPrivilegeEscalation"));
}

TEST_CASE("the copying container asks for what the worker asks for") {
  const json pod = with_handler(
      "{containers: [{name: a, resources: {requests: {cpu: 1}, limits: {memory: 1Gi}, "
      "claims: [{name: gpu}]}}]}");
  CHECK(pod.at("spec").at("initContainers").at(0).at("resources") ==
        json::parse(R"({"requests": {"cpu": 1}, "limits": {"memory": "1Gi"}})"));
  CHECK_FALSE(
      template_of(plain_pool()).at("spec").at("initContainers").at(0).contains("resources"));
}

TEST_CASE("the grace period covers the drain") {
  const auto grace = [](const std::string& fields) {
    return template_of(pool_with_workers("{template: {spec: {" + fields +
                                         "containers: [{name: a}]}}, drainTimeout: 1m30s}"))
        .at("spec")
        .at("terminationGracePeriodSeconds");
  };
  CHECK(grace("") == 105);
  CHECK(grace("terminationGracePeriodSeconds: 30, ") == 105);
  CHECK(grace("terminationGracePeriodSeconds: 600, ") == 600);
}

TEST_CASE("a grace period that was raised is known") {
  const auto raised = [](const std::string& fields) {
    return pool::raised_grace_period(
        pool_with_workers("{template: {spec: {" + fields +
                          "containers: [{name: a}]}}, drainTimeout: 90s}")
            .spec.workers);
  };
  CHECK_FALSE(raised(""));
  CHECK_FALSE(raised("terminationGracePeriodSeconds: 105, "));
  CHECK(raised("terminationGracePeriodSeconds: 104, ") == 104);
}

TEST_CASE("labels: ours always, the common ones where the user set none") {
  const json pod = template_of(pool_with_workers(R"(
template:
  metadata:
    labels: {team: red, app.kubernetes.io/name: thumbs, workerpool.dev/pool: x, workerpool.dev/state: y}
    annotations: {a: b}
  spec: {containers: [{name: a}]}
)"));
  const json& labels = pod.at("metadata").at("labels");
  CHECK(labels.at("team") == "red");
  CHECK(labels.at("app.kubernetes.io/name") == "thumbs");
  CHECK(labels.at("app.kubernetes.io/instance") == "thumbnails");
  CHECK(labels.at("app.kubernetes.io/managed-by") == "workerpool-operator");
  CHECK(labels.at("app.kubernetes.io/part-of") == "workerpool");
  CHECK(labels.at("workerpool.dev/pool") == "thumbnails");
  CHECK(labels.at("workerpool.dev/state") == "serving");
  CHECK(pod.at("metadata").at("annotations") == json({{"a", "b"}}));
}

TEST_CASE("no handler: labels, grace period and variables, nothing else") {
  const json pod = template_of(pool_with_workers(R"(
template:
  spec:
    securityContext: {fsGroup: 5}
    containers:
    - {name: sidecar, image: s, env: [{name: WP_QUEUE, value: mine}]}
    - {name: own, image: o, command: [/workerpool/bin/workerpool-runner], args: [--handler, noop]}
container: own
)"));
  const json& spec = pod.at("spec");
  CHECK_FALSE(spec.contains("initContainers"));
  CHECK_FALSE(spec.contains("volumes"));
  CHECK(spec.at("securityContext") == json({{"fsGroup", 5}}));
  CHECK(
      spec.at("containers").at(0) ==
      json::parse(
          R"({"name": "sidecar", "image": "s", "env": [{"name": "WP_QUEUE", "value": "mine"}]})"));
  json own = spec.at("containers").at(1);
  CHECK(variable(own, "WP_QUEUE").at("value") == "media/thumbnails");
  CHECK(variable(own, "WP_HANDLER").is_null());
  own.erase("env");
  CHECK(own == json::parse(R"({"name": "own", "image": "o", "args": ["--handler", "noop"],
                               "command": ["/workerpool/bin/workerpool-runner"]})"));
}

TEST_CASE("with a handler the user's other parts stay as they are") {
  const json pod = template_of(pool_with_workers(R"(
template:
  spec:
    nodeSelector: {disk: fast}
    serviceAccountName: jobs
    initContainers: [{name: prepare, image: p}]
    volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
    containers:
    - {name: proxy, image: s}
    - {name: own, image: o, workingDir: /w, volumeMounts: [{name: data, mountPath: /d}], envFrom: [{configMapRef: {name: c}}]}
container: own
handler: {exec: {command: [x]}}
)"));
  const json& spec = pod.at("spec");
  CHECK(spec.at("nodeSelector") == json({{"disk", "fast"}}));
  CHECK(spec.at("serviceAccountName") == "jobs");
  CHECK(spec.at("initContainers").size() == 2);
  CHECK(spec.at("initContainers").at(1) == json({{"name", "prepare"}, {"image", "p"}}));
  CHECK(spec.at("volumes").size() == 3);
  CHECK(spec.at("containers").at(0) == json({{"name", "proxy"}, {"image", "s"}}));
  const json& own = spec.at("containers").at(1);
  CHECK(own.at("workingDir") == "/w");
  CHECK(own.at("envFrom").size() == 1);
  CHECK(own.at("volumeMounts").at(0) == json({{"name", "data"}, {"mountPath", "/d"}}));
}

TEST_CASE("what collides with the operator's own parts is refused by name") {
  const std::string handler = "\nhandler: {exec: {command: [x]}}";
  CHECK(refusal("template: {spec: {containers: [{name: workerpool-runner}]}}" + handler)
            .find("\"workerpool-runner\" is the operator's own") != std::string::npos);
  CHECK(refusal("template: {spec: {containers: [{name: a}], initContainers: [{name: "
                "workerpool-install}]}}" +
                handler)
            .find("\"workerpool-install\" is the operator's own") != std::string::npos);
  CHECK(refusal("template: {spec: {containers: [{name: a}], volumes: [{name: workerpool}]}}" +
                handler)
            .find("volume \"workerpool\"") != std::string::npos);
  CHECK(refusal("template: {spec: {containers: [{name: a, volumeMounts: [{name: v, mountPath: "
                "/workerpool}]}]}}" +
                handler)
            .find("mountPath") != std::string::npos);
  CHECK_THROWS_AS(build_pod_template(plain_pool(), {.runner_image = ""}), TemplateError);
}

TEST_CASE("what is of a wrong type is left to the API server") {
  for (const char* spec :
       {"{containers: [{name: a, env: 5}]}", "{containers: [{name: a, ports: x}]}",
        "{containers: [{name: a}], volumes: {}}", "{containers: [{name: a, securityContext: no}]}",
        "{containers: [{name: a, env: [1, {name: 7}], volumeMounts: [3]}]}",
        "{containers: [{name: a}], initContainers: no}",
        "{containers: [{name: a, env: null, args: null}, 5, x], "
        "terminationGracePeriodSeconds: soon}"}) {
    CAPTURE(spec);
    pool::Pool pool = plain_pool();
    pool.spec.workers.pod_template["spec"] = pool::yaml_document(spec);
    CHECK_NOTHROW(template_of(pool));
  }
}
