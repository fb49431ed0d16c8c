// A real Prometheus scrapes a real operator and a runner while things go wrong:
// each alert of the chart fires for the pool that it should, clears when the cause is gone, and no
// other pool is named. At the end every query of the dashboard has an answer. The rules are the
// chart's, with minutes made seconds (scaled()); the true times are for promtool
// (alerts_test.yaml).
#include <csignal>
#include <doctest/doctest.h>
#include <iostream>
#include <regex>

#include "tests/chart/dashboard.h"
#include "tests/chart/prometheus.h"
#include "tests/product/cluster.h"
#include "tests/product/crew.h"
#include "tests/support/free_port.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;

namespace {

std::string scaled() {
  std::string rules = alert_rules();
  const auto replace = [&rules](const std::string& from, const std::string& to) {
    REQUIRE_MESSAGE(rules.find(from) != std::string::npos, from);
    for (std::size_t at; (at = rules.find(from)) != std::string::npos;) {
      rules.replace(at, from.size(), to);
    }
  };
  replace("[10m]", "[15s]");
  replace("[5m]", "[10s]");
  replace("for: 1m", "for: 1s");
  replace("for: 2m", "for: 2s");
  return rules;
}

// Where the operators have served /metrics, as they log it, one after the other.
std::vector<std::string> metrics_addresses(const Product& product) {
  static const std::regex said("\"metrics_port\":\"?([0-9]+)");
  std::vector<std::string> found;
  const std::string log = product.operator_log();
  for (std::sregex_iterator it(log.begin(), log.end(), said), end; it != end; ++it) {
    found.push_back("127.0.0.1:" + (*it)[1].str());
  }
  return found;
}

class Watched {
 public:
  Watched() : product_({"appendonly yes", "appendfsync always"}), prometheus_(scaled()) {
    setup_.arguments = {"--leader-elect", "--lease-namespace=" + product_.ns()};
    // The one that the product begins with does not compete; it must have logged its port, too.
    REQUIRE(eventually([&] { return !metrics_addresses(product_).empty(); }));
    start_operator();
  }

  void start_operator() {
    const std::size_t before = metrics_addresses(product_).size();
    product_.start_operator(setup_);
    std::vector<std::string> addresses;
    REQUIRE(eventually([&] {
      addresses = metrics_addresses(product_);
      return addresses.size() > before;
    }));
    prometheus_.scrape("operator", addresses.back());
  }

  void comes(const std::string& alert, const std::string& pool = {}) {
    const Millis begun = system_clock().steady();
    const bool came =
        eventually([&] { return prometheus_.fires(alert, pool); }, Millis{180000}, Millis{100});
    REQUIRE_MESSAGE(came, alert << " does not fire: " << prometheus_.alerts());
    std::cout << alert << " fires, " << (system_clock().steady() - begun).count() << " ms"
              << std::endl;
  }
  void goes(const std::string& alert, const std::string& pool = {}) {
    const Millis begun = system_clock().steady();
    const bool gone =
        eventually([&] { return !prometheus_.fires(alert, pool); }, Millis{180000}, Millis{100});
    REQUIRE_MESSAGE(gone, alert << " does not clear: " << prometheus_.alerts());
    std::cout << alert << " cleared, " << (system_clock().steady() - begun).count() << " ms"
              << std::endl;
  }
  /// Waits until the expression has a series.
  void has(const std::string& expression) {
    REQUIRE_MESSAGE(eventually([&] { return !prometheus_.query(expression).empty(); },
                               Millis{60000}, Millis{100}),
                    expression);
  }

  Product& product() { return product_; }
  Prometheus& prometheus() { return prometheus_; }

 private:
  OperatorSetup setup_;
  Product product_;
  Prometheus prometheus_;
};

// The process that is the container of a pod of this pool.
pid_t worker_of(Product& product, const std::string& pool) {
  for (const json& pod : product.pods(pool)) {
    for (const json& status : pod.at("status").value("containerStatuses", json::array())) {
      CrewPod made;
      made.container = status.value("containerID", "");
      if (made.pid() > 0) return made.pid();
    }
  }
  return 0;
}

}  // namespace

TEST_CASE("each alert fires when provoked and clears; the dashboard's queries have answers") {
  if (!have_cluster()) exit(77);
  if (!have_prometheus()) {
    std::cout << "SKIPPED: prometheus is not installed (tools/setup test)\n";
    exit(77);
  }
  Watched watched;
  Product& product = watched.product();
  const json one_attempt = {{"jobs", {{"maxAttempts", 1}}}};
  product.apply_pool("calm", {"true"});
  product.apply_pool("failing", {"false"}, {}, 4, one_attempt);
  product.apply_pool("broken", {"/no/such/program"}, {{"minReplicas", 1}, {"maxReplicas", 1}});
  // Their jobs end when what they are to provoke was seen.
  const OwnFolder gates;
  const auto gated = [&gates](const std::string& name) {
    return std::vector<std::string>{"sh", "-c", "while ! [ -e $0 ]; do sleep 0.1; done",
                                    gates.path() + "/" + name};
  };
  product.apply_pool("deep", gated("deep"), {{"maxReplicas", 1}});
  product.apply_pool("lost", gated("lost"), {{"maxReplicas", 1}});

  // A worker outside of any pod, on a queue of its own.
  const std::string probe = "127.0.0.1:" + std::to_string(free_port());
  OwnFolder folder;
  Process runner(
      {program("workerpool-runner"), "--redis", product.redis().tcp_url() + "/0", "--queue",
       product.queue_name("direct"), "--handler", "noop", "--probe-addr", probe},
      folder.path() + "/runner.log");
  watched.prometheus().scrape("workers", probe);

  // What has never been scraped with 0 can't be seen to grow.
  watched.has("workerpool_jobs_total{pool='failing',result='failed'} == 0");
  watched.has("workerpool_workers_lost_total{pool='lost'} == 0");
  watched.has("workerpool_runner_slots");

  product.put("calm", 12, "x");
  product.put("direct", 5, "x");
  product.put("failing", 12, "x");
  product.put("broken", 4, "x");
  product.put("deep", 40, "x");
  product.put("lost", 1, "x");
  // Those first that clear by themselves.
  watched.comes("WorkerPoolJobsFail", "failing");
  watched.comes("WorkerPoolBacklog", "deep");
  (void)gates.write("deep", "");
  // A worker counts as lost when it was seen with its job.
  watched.has("workerpool_replicas{pool='lost',kind='busy'} == 1");
  const pid_t worker = worker_of(product, "lost");
  REQUIRE(worker > 0);
  REQUIRE(kill(worker, SIGKILL) == 0);
  (void)gates.write("lost", "");
  watched.comes("WorkerPoolWorkerLost", "lost");
  watched.comes("WorkerPoolHandlersBroken", "broken");
  product.apply_pool("broken", {"true"}, {{"minReplicas", 1}, {"maxReplicas", 1}});
  watched.goes("WorkerPoolHandlersBroken", "broken");
  watched.goes("WorkerPoolWorkerLost", "lost");
  watched.goes("WorkerPoolBacklog", "deep");
  watched.goes("WorkerPoolJobsFail", "failing");

  product.redis().stop();
  watched.comes("WorkerPoolQueueUnreachable", "calm");
  product.redis().start();
  watched.goes("WorkerPoolQueueUnreachable", "calm");

  // Before the operator goes: another one has no answer yet to what this one measured.
  for (const DashboardQuery& query : dashboard_queries()) {
    CAPTURE(query.panel);
    CAPTURE(query.expression);
    CHECK_FALSE(watched.prometheus().query(query.expression).empty());
  }
  std::cout << dashboard_queries().size() << " queries of the dashboard\n";

  product.operator_process().signal(SIGTERM);
  (void)product.operator_process().wait();
  watched.comes("WorkerPoolNoLeader");
  watched.start_operator();
  watched.goes("WorkerPoolNoLeader");

  // A pool is named by the alert that it provoked, and by no other.
  const json wrong = watched.prometheus().query(
      "max_over_time(ALERTS{alertstate='firing',alertname!='WorkerPoolQueueUnreachable',"
      "alertname!='WorkerPoolNoLeader'}[10m])");
  std::set<std::string> fired;
  for (const json& one : wrong) {
    fired.insert(one.at("metric").at("alertname").get<std::string>() + " " +
                 one.at("metric").value("pool", ""));
  }
  CHECK(fired == std::set<std::string>{"WorkerPoolBacklog deep", "WorkerPoolHandlersBroken broken",
                                       "WorkerPoolJobsFail failing", "WorkerPoolWorkerLost lost"});
}
