// Reads kubeconfig files: merge, choose the context, resolve paths. Pure but for reading the files
// that it is told to; every mistake becomes one line that names the file and the entry.
#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>
#include <vector>
#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/log.h"
#include "operator/kube/config.h"
#include "operator/kube/credentials.h"

namespace wp::kube {
namespace {

namespace fs = std::filesystem;

// As files have it: broken into lines.
std::optional<std::string> decode_base64(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  return from_base64(text);
}

/// One named cluster, user or context, and the file it came from.
struct Entry {
  YAML::Node node;
  fs::path file;

  [[noreturn]] void bad(const std::string& what) const {
    throw KubeConfigError("kubeconfig " + file.string() + ": " + what);
  }

  std::string text(const char* name) const {
    const YAML::Node value = node[name];
    if (!value || value.IsNull()) return "";
    if (!value.IsScalar()) bad(std::string(name) + " is not a text");
    return value.Scalar();
  }

  bool flag(const char* name) const {
    const std::string value = text(name);
    if (value.empty() || value == "false") return false;
    if (value != "true") bad(std::string(name) + " is neither true nor false");
    return true;
  }

  std::string path(const char* name) const {
    const std::string value = text(name);
    return value.empty() ? "" : (file.parent_path() / value).string();
  }

  /// NAME is a file, NAME-data the content itself, which wins.
  PemSource pem(const std::string& name) const {
    const std::string data = text((name + "-data").c_str());
    if (data.empty()) return {.file = path(name.c_str()), .text = {}};
    const auto decoded = decode_base64(data);
    if (!decoded) bad(name + "-data is not base64");
    return {.file = {}, .text = *decoded};
  }
};

struct Merged {
  std::string current_context;
  std::map<std::string, Entry> clusters;
  std::map<std::string, Entry> users;
  std::map<std::string, Entry> contexts;
};

void merge_section(const YAML::Node& document, const fs::path& file, const char* section,
                   const char* inner, std::map<std::string, Entry>& target) {
  const YAML::Node list = document[section];
  if (!list || list.IsNull()) return;
  const Entry whole{document, file};
  if (!list.IsSequence()) whole.bad(std::string(section) + " is not a list");
  for (const YAML::Node& item : list) {
    if (!item.IsMap() || !item["name"] || !item["name"].IsScalar()) {
      whole.bad(std::string("an entry of ") + section + " has no name");
    }
    YAML::Node body = item[inner];
    if (!body || body.IsNull()) body = YAML::Node(YAML::NodeType::Map);
    if (!body.IsMap()) whole.bad(std::string("an entry of ") + section + " is not a map");
    target.emplace(item["name"].Scalar(), Entry{body, file});  // the first definition wins
  }
}

void merge_file(const fs::path& file, Merged& merged) {
  YAML::Node document;
  try {
    document = YAML::Load(read_text_file(file.string()));
  } catch (const YAML::Exception& error) {
    throw KubeConfigError("kubeconfig " + file.string() + ": line " +
                          std::to_string(error.mark.line + 1) + ": " + error.msg);
  } catch (const std::runtime_error& error) {
    throw KubeConfigError("kubeconfig " + std::string(error.what()) +
                          "; give a readable file with --kubeconfig or $KUBECONFIG");
  }
  if (!document || document.IsNull()) return;
  const Entry whole{document, file};
  if (!document.IsMap()) whole.bad("it is not a YAML map");
  if (merged.current_context.empty()) merged.current_context = whole.text("current-context");
  merge_section(document, file, "clusters", "cluster", merged.clusters);
  merge_section(document, file, "users", "user", merged.users);
  merge_section(document, file, "contexts", "context", merged.contexts);
}

std::string names(const std::map<std::string, Entry>& entries) {
  std::string list;
  for (const auto& [name, entry] : entries) list += (list.empty() ? "" : ", ") + name;
  return list.empty() ? "none" : list;
}

const Entry& find(const std::map<std::string, Entry>& entries, std::string_view kind,
                  std::string_view name, std::string_view paths) {
  const auto found = entries.find(std::string(name));
  if (found == entries.end()) {
    throw KubeConfigError("kubeconfig " + std::string(paths) + ": " + std::string(kind) + " \"" +
                          std::string(name) + "\" is not defined; there are: " + names(entries));
  }
  return found->second;
}

Endpoint endpoint_of(const Entry& cluster) {
  const std::string server = cluster.text("server");
  if (server.empty()) cluster.bad("the cluster has no server");
  Endpoint endpoint;
  try {
    endpoint = parse_endpoint(server);
  } catch (const std::invalid_argument& error) {
    cluster.bad(std::string("server: ") + error.what());
  }
  const std::string proxy = cluster.text("proxy-url");
  if (proxy.empty()) return endpoint;
  try {
    const Endpoint parsed = parse_endpoint(proxy);
    if (parsed.tls) throw std::invalid_argument("only http:// proxies are supported");
    endpoint.proxy_host = parsed.host;
    endpoint.proxy_port = parsed.port;
  } catch (const std::invalid_argument& error) {
    cluster.bad(std::string("proxy-url: ") + error.what());
  }
  return endpoint;
}

Headers impersonation(const Entry& user) {
  Headers headers;
  const std::string name = user.text("as");
  if (!name.empty()) headers.emplace("Impersonate-User", name);
  const std::string uid = user.text("as-uid");
  if (!uid.empty()) headers.emplace("Impersonate-Uid", uid);
  for (const YAML::Node& group : user.node["as-groups"]) {
    if (!group.IsScalar()) user.bad("as-groups is not a list of texts");
    headers.emplace("Impersonate-Group", group.Scalar());
  }
  return headers;
}

ExecPlugin plugin_of(const Entry& user, const Entry& cluster, const TlsSources& tls) {
  const Entry exec{user.node["exec"], user.file};
  if (!exec.node.IsMap()) user.bad("exec is not a map");
  ExecPlugin plugin;
  plugin.command = exec.text("command");
  if (plugin.command.empty()) exec.bad("exec has no command");
  if (plugin.command.find('/') != std::string::npos) plugin.command = exec.path("command");
  plugin.api_version = exec.text("apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    exec.bad("exec has an apiVersion other than client.authentication.k8s.io/v1 or v1beta1");
  }
  if (exec.text("interactiveMode") == "Always") {
    exec.bad("the plugin of exec needs a terminal (interactiveMode: Always); none is there");
  }
  plugin.install_hint = exec.text("installHint");
  for (const YAML::Node& arg : exec.node["args"]) {
    if (!arg.IsScalar()) exec.bad("args of exec is not a list of texts");
    plugin.args.push_back(arg.Scalar());
  }
  for (const YAML::Node& item : exec.node["env"]) {
    if (!item.IsMap()) exec.bad("env of exec is not a list of name and value");
    const Entry pair{item, user.file};
    plugin.env[pair.text("name")] = pair.text("value");
  }
  if (exec.flag("provideClusterInfo")) {
    nlohmann::json info = {{"server", cluster.text("server")},
                           {"insecure-skip-tls-verify", tls.insecure}};
    if (!tls.server_name.empty()) info["tls-server-name"] = tls.server_name;
    if (!tls.ca.empty()) info["certificate-authority-data"] = to_base64(tls.ca.read());
    plugin.cluster_json = info.dump();
  }
  return plugin;
}

CredentialSources sources_of(const Entry& cluster, const Entry& user, bool https) {
  CredentialSources sources;
  sources.tls.ca = cluster.pem("certificate-authority");
  sources.tls.insecure = cluster.flag("insecure-skip-tls-verify");
  sources.tls.server_name = cluster.text("tls-server-name");
  if (sources.tls.insecure && !sources.tls.ca.empty()) {
    cluster.bad("certificate-authority and insecure-skip-tls-verify exclude each other");
  }
  sources.tls.certificate = user.pem("client-certificate");
  sources.tls.key = user.pem("client-key");
  if (sources.tls.certificate.empty() != sources.tls.key.empty()) {
    user.bad("client-certificate and client-key need each other");
  }
  sources.headers = impersonation(user);
  sources.token = user.text("token");
  sources.token_file = user.path("tokenFile");
  if (user.node["exec"]) sources.plugin = plugin_of(user, cluster, sources.tls);
  const std::string name = user.text("username");
  if (!name.empty()) {
    sources.headers.emplace("Authorization",
                            "Basic " + to_base64(name + ":" + user.text("password")));
  }
  if (user.node["auth-provider"]) {
    user.bad("auth-provider is not supported (kubectl has dropped it); use exec");
  }
  if (!https) {
    // Whoever listens on the way could use them.
    const bool secrets =
        !sources.token.empty() || !sources.token_file.empty() || sources.plugin || !name.empty();
    if (secrets) log::warn("the server is not https: credentials are not sent");
    sources.token.clear();
    sources.token_file.clear();
    sources.plugin.reset();
    sources.headers.erase("Authorization");
  }
  return sources;
}

std::vector<fs::path> split_paths(const std::string& paths) {
  std::vector<fs::path> files;
  std::size_t begin = 0;
  while (begin <= paths.size()) {
    const std::size_t end = std::min(paths.find(':', begin), paths.size());
    if (end > begin) files.push_back(fs::absolute(paths.substr(begin, end - begin)));
    begin = end + 1;
  }
  return files;
}

}  // namespace

ClusterConfig kubeconfig(const std::string& paths, const std::string& context,
                         const ConfigEnvironment& env) {
  std::vector<fs::path> files = split_paths(paths);
  // Of a list, as kubectl does, those that exist; a single one has to exist.
  if (files.size() > 1) {
    std::erase_if(files, [](const fs::path& file) {
      std::error_code ignored;
      return !fs::exists(file, ignored);
    });
  }
  if (files.empty()) {
    throw KubeConfigError("kubeconfig \"" + paths +
                          "\": no such file; give one with --kubeconfig or $KUBECONFIG");
  }
  Merged merged;
  for (const fs::path& file : files) merge_file(file, merged);

  const std::string chosen = context.empty() ? merged.current_context : context;
  if (chosen.empty()) {
    throw KubeConfigError("kubeconfig " + paths +
                          ": no current-context; there are: " + names(merged.contexts) +
                          "; choose one with `kubectl config use-context`");
  }
  const Entry& selected = find(merged.contexts, "context", chosen, paths);
  const Entry& cluster = find(merged.clusters, "cluster", selected.text("cluster"), paths);
  const std::string user_name = selected.text("user");
  const Entry nobody{YAML::Node(YAML::NodeType::Map), selected.file};
  const Entry& user = user_name.empty() ? nobody : find(merged.users, "user", user_name, paths);

  ClusterConfig config;
  config.endpoint = endpoint_of(cluster);
  const Clock& clock = env.clock != nullptr ? *env.clock : system_clock();
  try {
    config.credentials = make_credentials(sources_of(cluster, user, config.endpoint.tls), clock);
  } catch (const KubeConfigError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw KubeConfigError("kubeconfig " + paths + ", context " + chosen + ": " + error.what());
  }
  const std::string ns = selected.text("namespace");
  if (!ns.empty()) config.default_namespace = ns;
  config.source = "kubeconfig " + paths + ", context " + chosen;
  return config;
}

}  // namespace wp::kube
