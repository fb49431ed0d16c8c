#include "operator/local/run_local.h"

#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <memory>
#include <optional>
#include <unistd.h>

#include "base/http_server.h"
#include "base/log.h"
#include "base/stop_signals.h"
#include "operator/local/pool_file.h"
#include "operator/local/private_redis.h"
#include "operator/local/results.h"
#include "operator/local/session.h"
#include "operator/local/state_folder.h"

namespace wp::local {
namespace {

constexpr Millis kRefresh{500};  // of the numbers while something goes on
constexpr Millis kRest{10000};
constexpr int kInterrupted = 130;  // as a shell reports SIGINT

// The same for every run of this user's pool on this machine: a queue in a Redis that stays is
// found again, and another machine's local mode on it is recognised as another owner.
std::string owner_of(const pool::Pool& pool) {
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return fmt::format("local:{}:{}:{}", host, getuid(), pool.key());
}

std::string program_beside_us(const std::string& name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string beside = (self.parent_path() / name).string();
  return !error ? workload::find_program(beside) : "";
}

std::string find_runner(const std::string& given) {
  std::string found =
      given.empty() ? program_beside_us("workerpool-runner") : workload::find_program(given);
  if (found.empty() && given.empty()) found = workload::find_program("workerpool-runner");
  if (found.empty()) {
    throw UsageError(given.empty()
                         ? "runner: workerpool-runner is neither beside this program nor in PATH; "
                           "name it with --runner"
                         : fmt::format("runner: \"{}\" is no executable file", given));
  }
  return std::filesystem::absolute(found);
}

// Each use a connection of its own: hours may lie between two of them.
template <typename Use>
auto with_redis(const redis::Endpoint& endpoint, Use use) {
  redis::Connection connection(endpoint);
  connection.connect();
  return use(connection);
}

// The queue as it is found. Throws when somebody else decides about it.
queue::Counts read_queue(const redis::Endpoint& endpoint, const pool::Pool& pool) {
  const std::string& name = pool.spec.queue.name;
  return with_redis(endpoint, [&](redis::Connection& connection) {
    queue::Counts counts = queue::Queue(connection, name).counts();
    const std::string& owner = counts.config_owner;
    const std::string mine = queue::owner_of(pool.meta.uid, pool.key());
    if (counts.config_present && owner != mine && !queue::owner_gives_way(owner, mine)) {
      throw UsageError(fmt::format(
          "queue {} in {} belongs to another pool ({}); stop that one, or give this one another "
          "spec.queue.name",
          name, endpoint.describe(), queue::shown_owner(owner)));
    }
    return counts;
  });
}

// Producers are served on, and whoever comes next may take the queue over.
void give_queue_back(redis::Connection& connection, const pool::Pool& pool) {
  const std::string key = queue::key_name(pool.spec.queue.name, "cfg");
  const redis::Reply owner = connection.execute({"HGET", key, "owner"});
  if (owner.is_nil() || owner.text() != queue::owner_of(pool.meta.uid, pool.key())) return;
  (void)connection.execute({"HSET", key, "owner", "standalone"});
}

std::unique_ptr<HttpServer> serve(const std::string& address, HttpServer::Endpoints endpoints) {
  if (address.empty()) return nullptr;
  return std::make_unique<HttpServer>(address, std::move(endpoints));
}

class LocalRun {
 public:
  explicit LocalRun(const LocalOptions& options)
      : options_(options),
        signals_([this](int count) { bell_.stop(count); }),
        shown_(options.file == "-" ? "standard input" : options.file),
        file_(load_pool_file(options.file)),
        runner_(find_runner(options.runner)),
        display_(STDOUT_FILENO) {
    pool::Pool& pool = file_.pool;
    pool.meta.uid = owner_of(pool);
    const auto named = named_endpoint(options_, pool, shown_);
    state_.emplace(options_.state_dir, pool.meta.name);
    if (!named) redis_ = std::make_unique<PrivateRedis>(state_->path());
    endpoint_ = named ? *named : redis_->endpoint();
    before_ = read_queue(endpoint_, pool);
  }

  int run() {
    open_doors();
    say_hello();
    watch();
    send_workers_home();
    return close_books();
  }

 private:
  void open_doors() {
    url_ = std::make_unique<UrlFile>(file_.pool.meta.name, options_.redis.url.empty()
                                                               ? endpoint_.describe()
                                                               : options_.redis.url);
    status_file_ = std::make_unique<StatusFile>(file_.pool.meta.name, stored_object());
    Session::Options session;
    session.pool = file_.pool;
    session.endpoint = endpoint_;
    session.runner = runner_;
    session.directory = file_.directory;
    session.log_folder = options_.verbose ? "" : state_->path();
    session.term = system_clock().wall().count();
    session.before = before_;
    session.status_file = status_file_.get();
    session.display = &display_;
    session.bell = &bell_;
    session.metrics = &metrics_;
    session_ = std::make_unique<Session>(std::move(session));
    metrics_server_ = serve(options_.metrics_addr, {&metrics_, {}, {}});
    probe_server_ = serve(options_.probe_addr,
                          {nullptr, std::vector<HealthCheck>{}, std::vector<HealthCheck>{}});
  }

  // The pool as a cluster would store it.
  nlohmann::json stored_object() const {
    nlohmann::json object = file_.object;
    nlohmann::json& meta = object["metadata"];
    meta["namespace"] = file_.pool.meta.ns;
    meta["generation"] = file_.pool.meta.generation;
    meta["creationTimestamp"] = format_time_seconds(system_clock().wall());
    return object;
  }

  void say_hello() {
    const pool::PoolSpec& spec = file_.pool.spec;
    Header header;
    header.pool = file_.pool.meta.name;
    header.queue = spec.queue.name;
    header.min = spec.scaling.min_replicas;
    header.max = spec.scaling.max_replicas;
    header.concurrency = spec.workers.concurrency;
    const pool::Handler& handler = spec.workers.handler;
    header.handler = handler.http ? "an app of yours at " +
                                        handler.http->url.substr(0, handler.http->url.find('?'))
                                  : fmt::format("{}", fmt::join(handler.command(), " "));
    header.redis = endpoint_.describe();
    header.private_redis = redis_ != nullptr;
    header.url_file = url_->path();
    header.logs = options_.verbose ? "" : state_->path();
    header.ctl = workload::find_program("workerpoolctl");
    if (header.ctl.empty()) header.ctl = program_beside_us("workerpoolctl");
    if (header.ctl.empty()) header.ctl = "workerpoolctl";
    header.until_empty = options_.until_empty;
    display_.say(header_text(header));
  }

  void watch() {
    session_->start();
    while (bell_.stops() == 0) {
      display_.show(session_->look());
      if (options_.until_empty && session_->looks_over() && is_over()) return;
      bell_.wait(session_->at_rest() ? kRest : kRefresh);
    }
    interrupted_ = true;
  }

  // What was looked at may be a second old: ask once more before anything ends.
  bool is_over() {
    return with_redis(endpoint_, [&](redis::Connection& connection) {
      const queue::Counts now = queue::Queue(connection, file_.pool.spec.queue.name).counts();
      return now.waiting + now.delayed + now.active == 0;
    });
  }

  void send_workers_home() {
    url_.reset();  // nobody is invited any more
    int heard = bell_.stops();
    session_->drain();
    if (interrupted_ && !session_->workers_are_gone()) {
      display_.say("stopping: running jobs finish (Ctrl-C again: they are given back)");
    }
    while (!session_->workers_are_gone()) {
      display_.show(session_->look());
      bell_.wait(kRefresh);
      if (bell_.stops() > heard) session_->drain();
      heard = bell_.stops();
    }
  }

  int close_books() {
    const std::string& name = file_.pool.spec.queue.name;
    return with_redis(endpoint_, [&](redis::Connection& connection) {
      queue::Queue jobs(connection, name);
      const queue::Counts after = jobs.counts();
      const Report report = make_report(before_, after, session_->seen(), jobs.check());
      session_.reset();
      display_.finish();
      if (!options_.results.empty()) {
        const std::int64_t lines = write_results(connection, name, before_.now, options_.results);
        display_.say(fmt::format("\n{} results are in {}", lines, options_.results));
        if (lines < report.completed) {
          display_.say(
              fmt::format("  of {} jobs: the queue keeps {} completed ones "
                          "(spec.jobs.retention.completed)",
                          report.completed, file_.pool.spec.jobs.retention.completed_count));
        }
      }
      if (!options_.report.empty()) write_report(report);
      if (!redis_) give_queue_back(connection, file_.pool);
      display_.say("\n" + report_text(report, display_.style()));
      if (redis_ && report.left > 0) {
        display_.say(
            "the private Redis ends now, and the jobs that were left with it; "
            "--redis URL keeps them");
      }
      if (!options_.until_empty) return 0;
      if (interrupted_) return kInterrupted;
      return report.good() ? 0 : 1;
    });
  }

  void write_report(const Report& report) const {
    std::ofstream out(options_.report, std::ios::trunc);
    out << report_json(report).dump(2) << '\n';
    out.flush();
    if (!out) throw std::runtime_error("report: cannot write \"" + options_.report + "\"");
  }

  const LocalOptions& options_;
  Bell bell_;
  StopSignals signals_;  // before any other thread
  std::string shown_;
  PoolFile file_;
  std::string runner_;
  Display display_;
  std::optional<StateFolder> state_;
  std::unique_ptr<PrivateRedis> redis_;
  redis::Endpoint endpoint_;
  queue::Counts before_;
  metrics::Registry metrics_;
  std::unique_ptr<UrlFile> url_;
  std::unique_ptr<StatusFile> status_file_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<HttpServer> metrics_server_;
  std::unique_ptr<HttpServer> probe_server_;
  bool interrupted_ = false;
};

}  // namespace

int run_local(const LocalOptions& options) {
  log::Level level = log::Level::warn;
  if (log::parse_level(options.log_level, level)) log::set_level(level);
  ignore_sigpipe();
  return LocalRun(options).run();
}

}  // namespace wp::local
