#include "operator/kube/config.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "operator/kube/credentials.h"

namespace wp::kube {
namespace {

std::optional<std::string> variable(const ConfigEnvironment& env, const std::string& name) {
  std::optional<std::string> value;
  if (env.variable) {
    value = env.variable(name);
  } else if (const char* const text = std::getenv(name.c_str())) {
    value = text;
  }
  if (value && value->empty()) value.reset();
  return value;
}

std::string trimmed_line(const std::string& text) {
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

}  // namespace

ClusterConfig in_cluster_config(const ConfigEnvironment& env) {
  const auto host = variable(env, "KUBERNETES_SERVICE_HOST");
  const auto port = variable(env, "KUBERNETES_SERVICE_PORT");
  if (!host || !port) {
    throw KubeConfigError(
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set: this is not a pod; "
        "give a file with --kubeconfig or $KUBECONFIG");
  }
  ClusterConfig config;
  const bool v6 = host->find(':') != std::string::npos;
  try {
    config.endpoint = parse_endpoint("https://" + (v6 ? "[" + *host + "]" : *host) + ":" + *port);
  } catch (const std::invalid_argument& error) {
    throw KubeConfigError("KUBERNETES_SERVICE_HOST and _PORT \"" + *host + "\", \"" + *port +
                          "\": " + error.what());
  }
  const std::string& dir = env.service_account_dir;
  CredentialSources sources;
  sources.tls.ca.file = dir + "/ca.crt";
  sources.token_file = dir + "/token";
  const Clock& clock = env.clock != nullptr ? *env.clock : system_clock();
  try {
    config.credentials = make_credentials(std::move(sources), clock);
  } catch (const std::runtime_error& error) {
    throw KubeConfigError("service account " + std::string(error.what()) +
                          "; is automountServiceAccountToken on?");
  }
  try {
    const std::string ns = trimmed_line(read_text_file(dir + "/namespace"));
    if (!ns.empty()) config.default_namespace = ns;
  } catch (const std::runtime_error&) {
    // A projected volume need not hold it; "default" stays, and flags can say otherwise.
  }
  config.source = "in-cluster";
  return config;
}

ClusterConfig load_config(const ConfigChoice& choice, const ConfigEnvironment& env) {
  if (!choice.kubeconfig.empty()) return kubeconfig(choice.kubeconfig, choice.context, env);
  if (const auto paths = variable(env, "KUBECONFIG"))
    return kubeconfig(*paths, choice.context, env);
  if (variable(env, "KUBERNETES_SERVICE_HOST")) return in_cluster_config(env);
  const std::string home = variable(env, "HOME").value_or("/root") + "/.kube/config";
  std::error_code ignored;
  if (!std::filesystem::exists(home, ignored)) {
    throw KubeConfigError("no cluster is configured: neither --kubeconfig nor $KUBECONFIG is " +
                          std::string("given, this is not a pod, and ") + home +
                          " does not exist; give a file with --kubeconfig");
  }
  return kubeconfig(home, choice.context, env);
}

}  // namespace wp::kube
