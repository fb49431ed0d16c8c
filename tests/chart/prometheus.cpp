#include "tests/chart/prometheus.h"

#include <cstdlib>
#include <fmt/format.h>
#include <stdexcept>

#include "operator/kube/client.h"
#include "tests/support/free_port.h"
#include "tests/support/wait.h"

namespace wp::test {
namespace {

using nlohmann::json;

// A target's file is read again as soon as it changes.
std::string configuration(const std::string& folder) {
  return fmt::format(R"(
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: [{0}/rules.yaml]
scrape_configs:
- job_name: operator
  # As the chart's ServiceMonitor has it: a pool's metrics carry the pool's namespace.
  honor_labels: true
  file_sd_configs: [{{files: [{0}/operator.json], refresh_interval: 1s}}]
- job_name: workers
  file_sd_configs: [{{files: [{0}/workers.json], refresh_interval: 1s}}]
)",
                     folder);
}

}  // namespace

bool have_prometheus() {
  return std::system("command -v prometheus promtool >/dev/null") == 0;
}

Prometheus::Prometheus(const std::string& rules) {
  const int port = free_port();
  folder_.write("rules.yaml", rules);
  scrape("operator", "");
  scrape("workers", "");
  const std::string file = folder_.write("prometheus.yaml", configuration(folder_.path()));
  process_ = std::make_unique<Process>(
      std::vector<std::string>{"prometheus", "--config.file=" + file,
                               "--storage.tsdb.path=" + folder_.path() + "/data",
                               fmt::format("--web.listen-address=127.0.0.1:{}", port)},
      folder_.path() + "/log");
  client_ = std::make_unique<kube::HttpClient>(
      kube::Endpoint{.tls = false, .host = "127.0.0.1", .port = port},
      [] { return std::shared_ptr<const kube::TlsMaterial>(); });
  const bool ready = eventually(
      [&] {
        try {
          return client_->request("GET", "/-/ready", {}, "", Millis{2000}).status == 200;
        } catch (const kube::KubeError&) {
          return false;
        }
      },
      Millis{60000}, Millis{50});
  if (!ready) throw std::runtime_error("Prometheus does not start: " + log());
}

void Prometheus::scrape(const std::string& job, const std::string& address) {
  json targets = json::array();
  if (!address.empty()) targets.push_back({{"targets", {address}}});
  folder_.write(job + ".json", targets.dump());
}

json Prometheus::get(const std::string& path) const {
  const auto response = client_->request("GET", path, {}, "", Millis{10000});
  const json answer = json::parse(response.body, nullptr, false);
  if (!answer.is_object() || answer.value("status", "") != "success") {
    throw std::runtime_error(path + ": " + response.body);
  }
  return answer.at("data");
}

json Prometheus::query(const std::string& expression) const {
  return get("/api/v1/query?query=" + kube::url_encode(expression)).at("result");
}

bool Prometheus::fires(const std::string& alert, const std::string& pool) const {
  const json answer = get("/api/v1/alerts");
  for (const json& one : answer.at("alerts")) {
    const json& labels = one.at("labels");
    if (one.at("state") == "firing" && labels.at("alertname") == alert &&
        (pool.empty() || labels.value("pool", "") == pool)) {
      return true;
    }
  }
  return false;
}

std::string Prometheus::alerts() const {
  return get("/api/v1/alerts").at("alerts").dump(1);
}

}  // namespace wp::test
