#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/ids.h"
#include "operator/kube/config.h"
#include "operator/kube/error.h"
#include "operator/kube/exec_plugin.h"
#include "tests/support/fake_api_tls.h"

namespace wp::kube {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("wp-kubeconfig-" + random_hex(12))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string script(const std::string& name, const std::string& text) const {
    const std::string file = write(name, "#!/bin/sh\n" + text);
    fs::permissions(file, fs::perms::owner_all);
    return file;
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

class TestClock final : public Clock {
 public:
  Millis steady() const override { return now; }
  Millis wall() const override { return Millis{1'000'000'000'000} + now; }
  Millis now{0};
};

std::string header(const ClusterConfig& config, const std::string& name) {
  const Headers headers = config.credentials->headers();
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const KubeConfigError& error) {
    const std::string text = error.what();
    CHECK(text.find('\n') == std::string::npos);
    return text;
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  CAPTURE(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

std::string config_text(const std::string& user, const std::string& cluster_extra = "",
                        const std::string& server = "https://10.0.0.1:6443") {
  return "apiVersion: v1\nkind: Config\ncurrent-context: main\n"
         "contexts: [{name: main, context: {cluster: c, user: u, namespace: work}}]\n"
         "clusters:\n- name: c\n  cluster:\n    server: " +
         server + "\n" + cluster_extra + "users:\n- name: u\n  user: " + user + "\n";
}

TEST_CASE("a kubeconfig with a token") {
  const Folder folder;
  const std::string file = folder.write("config", config_text("{token: abc}"));
  const ClusterConfig config = kubeconfig(file);
  CHECK(config.endpoint.authority() == "10.0.0.1:6443");
  CHECK(config.default_namespace == "work");
  CHECK(header(config, "Authorization") == "Bearer abc");
  contains(config.source, file);
  CHECK_FALSE(config.credentials->refused(Millis{0}));
}

TEST_CASE("credentials do not leave over http") {
  const Folder folder;
  const ClusterConfig config = kubeconfig(folder.write(
      "config",
      config_text("{token: abc, username: x, password: y, as: other}", "", "http://10.0.0.1")));
  CHECK(header(config, "Authorization").empty());
  CHECK(header(config, "Impersonate-User") == "other");
}

TEST_CASE("certificates inline and in files beside the kubeconfig, names, proxy") {
  const Folder folder;
  const wp::test::TestCa ca;
  const wp::test::ApiTls me = ca.issue("me");
  folder.write("ca.crt", ca.pem());
  folder.write("me.crt", me.certificate);
  folder.write("me.key", me.key);
  const std::string file = folder.write(
      "config", config_text("{client-certificate: me.crt, client-key: me.key}",
                            "    certificate-authority: ca.crt\n    tls-server-name: api.x\n"
                            "    proxy-url: http://10.0.0.2:3128\n"));
  const ClusterConfig config = kubeconfig(file);
  const auto tls = config.credentials->tls();
  CHECK(tls->ca == ca.pem());
  CHECK(tls->certificate == me.certificate);
  CHECK(tls->server_name == "api.x");
  CHECK(tls == config.credentials->tls());
  CHECK(config.endpoint.proxy_host == "10.0.0.2");
}

TEST_CASE("files of a list are merged, the first definition wins, missing ones are skipped") {
  const Folder folder;
  const std::string first = folder.write("1", "users: [{name: u, user: {token: first}}]\n");
  const std::string second = folder.write("2", config_text("{token: second}"));
  const ClusterConfig config = kubeconfig(first + ":" + folder.path() + "/none::" + second);
  CHECK(header(config, "Authorization") == "Bearer first");
}

TEST_CASE("what is wrong is said in one line with the file and the next step") {
  const Folder folder;
  const auto problem = [&](const std::string& text) {
    const std::string file = folder.write("config", text);
    const std::string error = error_of([&] { kubeconfig(file); });
    contains(error, file);
    return error;
  };
  contains(problem("a: [b"), "line ");
  contains(problem("- a"), "not a YAML map");
  contains(problem("{}"), "no current-context");
  contains(problem("current-context: x"), "context \"x\" is not defined; there are: none");
  contains(problem("clusters: 3"), "clusters is not a list");
  contains(problem(config_text("{token: [1]}")), "token is not a text");
  contains(problem(config_text("{client-certificate-data: '%%'}")), "not base64");
  contains(problem(config_text("{client-certificate: a.crt}")), "need each other");
  contains(problem(config_text("{tokenFile: none}")), "none: No such file");
  contains(problem(config_text("{}", "    certificate-authority: none.crt\n")),
           "none.crt: No such");
  contains(problem(config_text("{}", "    certificate-authority-data: eA==\n")), "no certificate");
  contains(problem(config_text("{}", "", "10.0.0.1")), "https://");
  contains(problem(config_text("{}", "    insecure-skip-tls-verify: maybe\n")), "true nor false");
  contains(problem(config_text("{auth-provider: {name: gcp}}")), "use exec");
  contains(problem(config_text("{exec: {command: x, apiVersion: v0}}")), "apiVersion");
  const std::string missing = folder.path() + "/missing";
  contains(error_of([&] { kubeconfig(missing); }), missing);
  contains(error_of([&] { kubeconfig(folder.path()); }), "Is a directory");
}

TEST_CASE("where the configuration is looked for") {
  const Folder folder;
  const std::string file = folder.write("config", config_text("{token: abc}"));
  std::map<std::string, std::string> variables;
  ConfigEnvironment env;
  env.variable = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  env.service_account_dir = folder.path();
  variables["HOME"] = folder.path();
  contains(error_of([&] { load_config({}, env); }), "--kubeconfig");
  fs::create_directories(folder.path() + "/.kube");
  fs::copy_file(file, folder.path() + "/.kube/config");
  contains(load_config({}, env).source, "/.kube/config");
  variables["KUBERNETES_SERVICE_HOST"] = "10.96.0.1";
  contains(error_of([&] { load_config({}, env); }), "KUBERNETES_SERVICE_PORT");
  variables["KUBERNETES_SERVICE_PORT"] = "443";
  contains(error_of([&] { load_config({}, env); }), "automountServiceAccountToken");
  folder.write("ca.crt", wp::test::TestCa().pem());
  folder.write("token", "t\n");
  folder.write("namespace", "mine\n");
  const ClusterConfig inside = load_config({}, env);
  CHECK(inside.source == "in-cluster");
  CHECK(inside.default_namespace == "mine");
  CHECK(header(inside, "Authorization") == "Bearer t");
  variables["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  CHECK(load_config({}, env).endpoint.authority() == "[fd00::1]:443");
  variables["KUBECONFIG"] = file;
  contains(load_config({}, env).source, file);
  variables["KUBECONFIG"] = "/nonexistent/k";
  contains(load_config({.kubeconfig = file}, env).source, file);
  contains(error_of([&] { load_config({}, env); }), "/nonexistent/k");
  contains(error_of([&] { load_config({.kubeconfig = file, .context = "z"}, env); }), "main");
}

TEST_CASE("a token file is read again in time, at once after a 401, and survives its absence") {
  const Folder folder;
  TestClock clock;
  ConfigEnvironment env;
  env.clock = &clock;
  folder.write("token", "one\n");
  const ClusterConfig config =
      kubeconfig(folder.write("config", config_text("{token: inline, tokenFile: token}")), "", env);
  CHECK(header(config, "Authorization") == "Bearer one");
  folder.write("token", "two");
  clock.now = Millis{49000};
  CHECK(header(config, "Authorization") == "Bearer one");
  clock.now = Millis{60000};
  CHECK(header(config, "Authorization") == "Bearer two");
  folder.write("token", "three");
  CHECK(config.credentials->refused(clock.now));
  CHECK(header(config, "Authorization") == "Bearer three");
  fs::remove(folder.path() + "/token");
  clock.now += Millis{120000};
  CHECK(header(config, "Authorization") == "Bearer three");
  folder.write("token", " \n");
  clock.now += Millis{120000};
  CHECK(header(config, "Authorization") == "Bearer three");
}

TEST_CASE("a rotated CA file is new material; half a rotation is not") {
  const Folder folder;
  TestClock clock;
  ConfigEnvironment env;
  env.clock = &clock;
  const wp::test::TestCa ca;
  const wp::test::ApiTls one = ca.issue("one");
  const wp::test::ApiTls two = ca.issue("two");
  folder.write("crt", one.certificate);
  folder.write("key", one.key);
  const ClusterConfig config = kubeconfig(
      folder.write("config", config_text("{client-certificate: crt, client-key: key}")), "", env);
  const auto before = config.credentials->tls();
  folder.write("key", two.key);
  clock.now += Millis{60000};
  CHECK(config.credentials->tls() == before);
  folder.write("crt", two.certificate);
  clock.now += Millis{60000};
  CHECK(config.credentials->tls()->key == two.key);
}

TEST_CASE("an exec plugin gives a token, is asked again after a 401 and before the end") {
  const Folder folder;
  TestClock clock;  // wall: 2001-09-09T01:46:40Z and the steady time
  ConfigEnvironment env;
  env.clock = &clock;
  folder.script("plugin",
                "n=$(cat \"$COUNTER\" 2>/dev/null || echo 0); n=$((n+1)); echo $n > \"$COUNTER\"\n"
                "printf '%s' \"$KUBERNETES_EXEC_INFO\" > \"$COUNTER.info\"\n"
                "echo note >&2\n"
                "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
                "\"ExecCredential\",\"status\":{\"token\":\"'$1-$n'\",\"expirationTimestamp\":"
                "\"2001-09-09T02:46:40Z\"}}'\n");
  const std::string counter = folder.path() + "/counter";
  const ClusterConfig config = kubeconfig(
      folder.write("config",
                   config_text("{exec: {apiVersion: client.authentication.k8s.io/v1, command: "
                               "./plugin, args: [tok], env: [{name: COUNTER, value: " +
                               counter + "}], provideClusterInfo: true}}")),
      "", env);
  CHECK(header(config, "Authorization") == "Bearer tok-1");
  CHECK(header(config, "Authorization") == "Bearer tok-1");
  std::ifstream info(counter + ".info");
  const std::string given((std::istreambuf_iterator<char>(info)), std::istreambuf_iterator<char>());
  contains(given, "\"interactive\":false");
  contains(given, "\"server\":\"https://10.0.0.1:6443\"");
  CHECK(config.credentials->refused(clock.now));
  CHECK(header(config, "Authorization") == "Bearer tok-2");
  clock.now = Millis{3539000};
  CHECK(header(config, "Authorization") == "Bearer tok-2");
  clock.now = Millis{3541000};
  CHECK(header(config, "Authorization") == "Bearer tok-3");
}

TEST_CASE("a plugin that fails, hangs or is missing is a one-line error") {
  const Folder folder;
  const auto problem = [](const ExecPlugin& plugin) -> std::string {
    try {
      plugin.run();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  const std::string api = "client.authentication.k8s.io/v1";
  contains(problem({.command = folder.script("a", "echo no luck >&2; exit 3"), .api_version = api}),
           "exit status 3: no luck");
  contains(
      problem({.command = "/nonexistent/plugin", .api_version = api, .install_hint = "get it"}),
      "No such file or directory; get it");
  contains(problem({.command = folder.script("b", "echo secret"), .api_version = api}), "not JSON");
  CHECK(
      problem({.command = folder.script("c", "echo secret"), .api_version = api}).find("secret") ==
      std::string::npos);
  const Millis begin = system_clock().steady();
  contains(problem({.command = folder.script("d", "sleep 60 & wait"),
                    .api_version = api,
                    .timeout = Millis{100}}),
           "did not finish");
  contains(problem({.command = folder.script("e", "exec >&- 2>&-; sleep 60"),
                    .api_version = api,
                    .timeout = Millis{100}}),
           "killed by signal 9");
  CHECK(system_clock().steady() - begin < Millis{20000});
}

TEST_CASE("what a plugin answers is checked") {
  const std::string api = "client.authentication.k8s.io/v1";
  const auto with_status = [&](const std::string& status) {
    return R"({"apiVersion":")" + api + R"(","kind":"ExecCredential","status":)" + status + "}";
  };
  CHECK(parse_exec_credential(with_status(R"({"token":"t"})"), api).token == "t");
  const ExecCredential certificate = parse_exec_credential(
      with_status(R"({"clientCertificateData":"c","clientKeyData":"k"})"), api);
  CHECK(certificate.key == "k");
  for (const std::string& bad : {std::string("x"), std::string("{}"), with_status("{}"),
                                 with_status("3"), with_status(R"({"clientKeyData":"k"})"),
                                 with_status(R"({"token":"t","expirationTimestamp":"soon"})")}) {
    CHECK_THROWS_AS(parse_exec_credential(bad, api), std::runtime_error);
  }
  CHECK_THROWS_AS(parse_exec_credential(with_status(R"({"token":"t"})"), "other/v1"),
                  std::runtime_error);
}

}  // namespace
}  // namespace wp::kube
