#include "operator/cluster/check.h"

#include <fmt/format.h>
#include <iostream>
#include <thread>

#include "operator/cluster/pools.h"
#include "operator/cluster/rights.h"
#include "operator/kube/client.h"
#include "operator/pool/pool.h"

namespace wp::cluster {
namespace {

using kube::Json;
using kube::KubeError;
using kube::Resource;

const Resource kLeases{"coordination.k8s.io", "v1", "leases"};
const Resource kReviews{"authorization.k8s.io", "v1", "selfsubjectaccessreviews"};
constexpr Millis kPoll{250};

class Check {
 public:
  explicit Check(const CheckOptions& options, const kube::ClusterConfig& config)
      : options_(options),
        source_(config.source),
        client_(config, {.user_agent = "workerpool-operator-check/" WORKERPOOL_VERSION,
                         .timeout = Millis{10000}}) {}

  int run() {
    const std::vector<std::string> all{""};
    for (const std::string& ns : options_.namespaces.empty() ? all : options_.namespaces) {
      look("pools" + in(ns), [&] { return pools_in(ns); });
      look("rights" + in(ns), [&] { return rights_in(ns, Where::pools); });
    }
    look("rights" + in(options_.lease_namespace),
         [&] { return rights_in(options_.lease_namespace, Where::home); });
    look("leader", [&] { return leader(); });
    return failed_ ? 1 : 0;
  }

 private:
  struct Finding {
    bool ok = false;
    std::string text;
  };

  static std::string in(const std::string& ns) {
    return ns.empty() ? " in all namespaces" : " in " + ns;
  }

  template <typename Look>
  void look(const std::string& what, const Look& at) {
    Finding found;
    try {
      found = at();
    } catch (const KubeError& error) {
      found.text = fmt::format("the API server ({}): {}", source_, error.what());
    }
    failed_ |= !found.ok;
    std::cout << fmt::format("{:<4}  {}: {}\n", found.ok ? "ok" : "FAIL", what, found.text)
              << std::flush;
  }

  Finding pools_in(const std::string& ns) {
    try {
      const std::size_t count = client_.list(kube::resource_path(kPools, ns)).at("items").size();
      return {true, fmt::format("{} is served, {} pools", kPools.api_version(), count)};
    } catch (const KubeError& error) {
      if (!error.is_not_found()) throw;
      return {false, fmt::format("{} is not served: apply crds/workerpools.yaml, or install the "
                                 "chart with crds.install=true",
                                 kPools.api_version())};
    }
  }

  bool granted(const Right& right, const std::string& ns) {
    const std::size_t slash = right.resource.find('/');
    Json attributes = {{"namespace", ns},
                       {"verb", right.verb},
                       {"group", right.group},
                       {"resource", right.resource.substr(0, slash)}};
    if (slash != std::string_view::npos)
      attributes["subresource"] = right.resource.substr(slash + 1);
    // A create has no name yet.
    if (right.where == Where::home && right.verb != "create")
      attributes["name"] = options_.lease_name;
    const Json answer = client_.create(kube::resource_path(kReviews, ""),
                                       {{"apiVersion", kReviews.api_version()},
                                        {"kind", "SelfSubjectAccessReview"},
                                        {"spec", {{"resourceAttributes", attributes}}}});
    return answer.at("status").value("allowed", false);
  }

  Finding rights_in(const std::string& ns, Where where) {
    int wanted = 0;
    std::string missing;
    for (const Right& right : kRights) {
      if (right.where != where) continue;
      ++wanted;
      if (granted(right, ns)) continue;
      missing += fmt::format("{}{} {}{}{}", missing.empty() ? "" : ", ", right.verb, right.group,
                             right.group.empty() ? "" : "/", right.resource);
    }
    if (missing.empty()) return {true, fmt::format("all {} are granted", wanted)};
    return {false, "not granted: " + missing};
  }

  // Whoever leads writes the Lease every other second. Its times are of another clock, so that only
  // a change is a sign of life.
  Finding leader() {
    const std::string path =
        kube::resource_path(kLeases, options_.lease_namespace, options_.lease_name);
    const Millis end = system_clock().steady() + options_.timeout;
    std::string seen;
    for (;;) {
      try {
        const Json spec = client_.get(path).value("spec", Json::object());
        const std::string holder = spec.value("holderIdentity", "");
        const std::string renewed = holder.empty() ? "" : spec.value("renewTime", "");
        if (!seen.empty() && !renewed.empty() && renewed != seen) {
          return {true, holder + " leads"};
        }
        seen = renewed;
      } catch (const KubeError& error) {
        if (!error.is_not_found()) throw;
      }
      if (system_clock().steady() >= end) break;
      std::this_thread::sleep_for(kPoll);
    }
    return {false, fmt::format("the Lease {}/{} {} within {} s: see the operator's log",
                               options_.lease_namespace, options_.lease_name,
                               seen.empty() ? "was taken by nobody" : "was not renewed",
                               options_.timeout.count() / 1000)};
  }

  const CheckOptions& options_;
  const std::string source_;
  kube::Client client_;
  bool failed_ = false;
};

}  // namespace

Options& add_check_command(Options& root, CheckOptions& o) {
  Options& check = root.command(
      "check",
      "Ask the cluster whether an operator can work there, and one does: for its own account.");
  declare_place(check, o);
  check.duration({.name = "timeout", .help = "how long to wait for an operator that leads"},
                 o.timeout, {1000, 600000});
  return check;
}

int run_check(const CheckOptions& options) {
  kube::ClusterConfig config;
  try {
    config = kube::load_config({.kubeconfig = options.kubeconfig});
  } catch (const kube::KubeConfigError& error) {
    throw UsageError(error.what());
  }
  return Check(options, config).run();
}

}  // namespace wp::cluster
