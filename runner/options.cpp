#include "runner/options.h"

#include <cstdlib>
#include <fmt/format.h>
#include <stdexcept>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/loopback_url.h"
#include "queue/queue.h"
#include "queue/redis/settings.h"
#include "runner/handlers/builtin.h"
#include "runner/handlers/http/url.h"
#include "runner/handlers/printable.h"
#include "runner/process/spawn.h"

namespace wp::runner {
namespace {

constexpr std::int64_t kHour = 3600ll * 1000;
constexpr const char* kDefaultUrl = "redis://127.0.0.1:6379/0";
constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";

std::string temp_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

std::string show(const std::vector<std::string>& words) {
  return nlohmann::json(words).dump();
}

void check_name(const char* setting, const std::string& name) {
  if (name.size() <= 128 && name.find_first_not_of(kNameCharacters) == std::string::npos) return;
  throw UsageError(
      fmt::format("{}: \"{}\" is not allowed: at most 128 of A-Za-z0-9._:-", setting, name));
}

bool runs_program(const RunnerOptions& options) {
  return options.handler == "exec" || options.handler == "stdio";
}

void check_http(const RunnerOptions& options) {
  if (options.http_url.empty()) {
    throw UsageError(
        "http-url: the http handler needs the app's address, such as http://127.0.0.1:8000/jobs");
  }
  try {
    (void)parse_http_url(options.http_url);
  } catch (const std::invalid_argument& error) {
    throw UsageError(fmt::format("http-url: {}", error.what()));
  }
  if (options.http_ready_path.empty()) return;
  if (const std::string problem = problem_with_http_path(options.http_ready_path);
      !problem.empty()) {
    throw UsageError(fmt::format("http-ready-path: \"{}\" {}; allowed is a path such as /ready",
                                 escaped(options.http_ready_path, 200), problem));
  }
}

void check_handler(const RunnerOptions& options) {
  const std::string& kind = options.handler;
  if (kind != "exec" && kind != "stdio" && kind != "http" && !parse_builtin(kind)) {
    throw UsageError(
        "handler: \"" + kind +
        "\" is not allowed: one of exec, stdio, http, noop, echo, sleep, fail, crash, memory");
  }
  if (!runs_program(options) && !options.command.empty()) {
    throw UsageError(
        fmt::format("handler: {} runs no command, but {} was given", kind, show(options.command)));
  }
  if (kind == "http") return check_http(options);
  for (const auto& [name, value] : {std::pair{"http-url", &options.http_url},
                                    std::pair{"http-ready-path", &options.http_ready_path}}) {
    if (value->empty()) continue;
    throw UsageError(fmt::format("{}: {} was given, but the handler is {}", name, *value, kind));
  }
}

void choose_command(RunnerOptions& options) {
  if (options.command.empty()) {
    throw UsageError(fmt::format(
        "handler-command: the {} handler needs a command: after `--`, or as a JSON array",
        options.handler));
  }
  // One that is absent is a broken handler and no reason to leave: a worker that is gone tells
  // nobody what it lacks.
  options.program = find_program(options.command.front());
}

void choose_handler(RunnerOptions& options, const std::string& command_json,
                    const std::vector<std::string>& words) {
  options.command = words;
  if (words.empty() && !command_json.empty()) options.command = parse_command(command_json);
  if (options.handler.empty()) {
    if (options.command.empty() && options.http_url.empty()) {
      throw UsageError(
          "handler: nothing says what runs a job: give a command after `--` (with --handler stdio "
          "for one that stays up), --http-url, or --handler noop|echo|sleep|fail|crash|memory");
    }
    options.handler = options.command.empty() ? "http" : "exec";
  }
  check_handler(options);
  if (runs_program(options)) choose_command(options);
}

void check_scratch(const RunnerOptions& options) {
  if (!runs_program(options) || access(options.scratch_dir.c_str(), W_OK | X_OK) == 0) return;
  throw UsageError(
      fmt::format("scratch-dir: \"{}\" is not a folder that this user can write to: "
                  "each job gets its own folder in it",
                  options.scratch_dir));
}

}  // namespace

std::vector<std::string> parse_command(const std::string& json) {
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
  std::vector<std::string> words;
  bool good = parsed.is_array() && !parsed.empty();
  if (good) {
    for (const nlohmann::json& word : parsed) {
      good = good && word.is_string() &&
             word.get_ref<const std::string&>().find('\0') == std::string::npos;
      if (good) words.push_back(word.get<std::string>());
    }
  }
  if (!good || words.front().empty()) {
    throw UsageError(
        fmt::format("handler-command: {} is not allowed: a JSON array of texts such as "
                    "[\"python3\",\"/app/job.py\"]",
                    json));
  }
  return words;
}

namespace {

// What a pool says when there is one.
struct LimitTexts {
  Millis drain_timeout{300000};
  std::string on_partition = "kill";
};

void declare_limits(Options& options, OwnSettings& own, LimitTexts& texts) {
  options.duration(
      {.name = "drain-timeout",
       .env = "WP_DRAIN_TIMEOUT",
       .help = "how long running jobs may finish after SIGTERM; a pool can shorten it"},
      texts.drain_timeout, {0, 7 * 24 * kHour});
  options.duration({.name = "job-timeout",
                    .env = "WP_JOB_TIMEOUT",
                    .help = "of one attempt, 0s for none; unless a pool says it"},
                   own.timeout, {0, 30 * 24 * kHour});
  options.duration({.name = "stall-timeout",
                    .env = "WP_STALL_TIMEOUT",
                    .help = "a job without a time-out that reports no progress for so long is "
                            "stopped and retried, 0s for never; unless a pool says it"},
                   own.limits.stall_timeout, {0, 7 * 24 * kHour});
  options.duration({.name = "check-interval",
                    .env = "WP_CHECK_INTERVAL",
                    .help = "how often stalls are looked for; unless a pool says it"},
                   own.limits.check_interval, {100, kHour});
  options.choice({.name = "on-partition",
                  .env = "WP_ON_PARTITION",
                  .help = "kill: jobs are stopped when Redis was away for 80 % of a lease; "
                          "continue: they run on; unless a pool says it"},
                 texts.on_partition, {"kill", "continue"});
  options.bytes({.name = "max-memory",
                 .env = "WP_MAX_MEMORY",
                 .help = "of one handler: above, it is replaced after its job, above 1.25 times it "
                         "the job fails; 0 for no limit; unless a pool says it"},
                own.limits.max_memory, {0, 1ll << 50});
  options.integer({.name = "max-jobs",
                   .env = "WP_MAX_JOBS",
                   .help = "stdio: a process is replaced after so many, 0 for never; unless a pool "
                           "says it"},
                  own.limits.max_jobs, {0, 1ll << 50});
}

}  // namespace

std::optional<RunnerOptions> parse_options(int argc, const char* const* argv) {
  RunnerOptions made;
  made.scratch_dir = temp_folder();
  redis::Settings redis_settings;
  std::string command_json;
  std::vector<std::string> words;
  std::int64_t defer_code = made.exit_rules.defer_code;
  std::int64_t dead_code = made.exit_rules.dead_code;
  LimitTexts limits;
  made.own.limits.stall_timeout = Millis{600000};

  Options options("workerpool-runner", "Claims jobs from a queue and runs them.");
  redis::declare_settings(options, redis_settings, std::string(kDefaultUrl) + " without it");
  redis::declare_sentinel_settings(options, redis_settings);
  options.text({.name = "queue", .env = "WP_QUEUE", .help = "the queue's name (required)"},
               made.queue);
  options.integer({.name = "concurrency", .env = "WP_CONCURRENCY", .help = "jobs at once"},
                  made.concurrency, {1, 1000});
  options.text(
      {.name = "handler",
       .env = "WP_HANDLER",
       .help = "exec (a process per job), stdio (long-lived processes), http (an app beside), "
               "noop, echo, sleep, fail, crash or memory; exec when there is a command",
       .placeholder = "KIND"},
      made.handler);
  options.text({.name = "handler-command",
                .env = "WP_HANDLER_COMMAND",
                .help = "the program of exec and stdio and its words, a JSON array",
                .placeholder = "JSON"},
               command_json);
  options.integer({.name = "defer-exit-code",
                   .env = "WP_DEFER_EXIT_CODE",
                   .help = "exit code that means: again later, not counted"},
                  defer_code, {1, 125});
  options.integer({.name = "dead-exit-code",
                   .env = "WP_DEAD_EXIT_CODE",
                   .help = "exit code that means: never again"},
                  dead_code, {1, 125});
  options.toggle({.name = "stdio-ready",
                  .env = "WP_STDIO_READY",
                  .help = "processes say {\"ready\": true} before they get a job"},
                 made.stdio_ready);
  options.duration({.name = "stdio-startup-timeout",
                    .env = "WP_STDIO_STARTUP_TIMEOUT",
                    .help = "how long a process may take to say so"},
                   made.stdio_startup_timeout, {1000, kHour});
  options.text({.name = "http-url",
                .env = "WP_HTTP_URL",
                .help = "where jobs are posted, on loopback: http://127.0.0.1:8000/jobs",
                .placeholder = "URL"},
               made.http_url);
  options.text({.name = "http-ready-path",
                .env = "WP_HTTP_READY_PATH",
                .help = "GET answers 2xx when the app is ready; without it an open port will do",
                .placeholder = "PATH"},
               made.http_ready_path);
  options.duration({.name = "defer-delay",
                    .env = "WP_DEFER_DELAY",
                    .help = "how much later a deferred job comes again"},
                   made.exit_rules.defer_delay, {0, 24ll * 3600 * 1000});
  options.text({.name = "probe-addr",
                .env = "WP_PROBE_ADDR",
                .help = "host:port or :port of /healthz, /readyz and /metrics; off for none",
                .placeholder = "ADDR"},
               made.probe_address);
  options.text({.name = "worker-id",
                .env = "WP_WORKER_ID",
                .help = "who this is without Kubernetes; default hostname-port"},
               made.worker_id);
  options.text({.name = "pod-name", .env = "WP_POD_NAME", .help = "name of this pod"},
               made.pod_name);
  options.text({.name = "pod-uid", .env = "WP_POD_UID", .help = "uid of this pod"}, made.pod_uid);
  options.text({.name = "node", .env = "WP_NODE", .help = "node of this pod"}, made.node);
  declare_limits(options, made.own, limits);
  options.text({.name = "scratch-dir",
                .env = "WP_SCRATCH_DIR",
                .help = "where jobs get their folders",
                .placeholder = "DIR"},
               made.scratch_dir);
  options.choice(
      {.name = "log-level", .env = "WP_LOG_LEVEL", .help = "debug, info, warn, error, off"},
      made.log_level, {"debug", "info", "warn", "error", "off"});
  options.remainder("command", "the program that runs a job, and its words", words);
  options.epilog(
      "Examples:\n"
      "  workerpool-runner --queue mail -- python3 /app/job.py\n"
      "  workerpool-runner --queue mail --handler stdio --concurrency 4 -- node /app/worker.js\n"
      "  workerpool-runner --queue mail --http-url http://127.0.0.1:8000/jobs\n"
      "  workerpool-runner --queue test --handler sleep --concurrency 10\n"
      "  workerpool-runner --redis rediss://redis:6379/0 --redis-ca-file ca.pem --queue mail "
      "-- ./job\n"
      "  workerpool-runner --redis redis+sentinel://a,b,c/main --queue mail -- ./job");
  if (options.parse(argc, argv) == Parsed::exit) return std::nullopt;

  if (made.queue.empty()) throw UsageError("queue: is required (--queue or WP_QUEUE)");
  if (const std::string problem = queue::problem_with_queue_name(made.queue); !problem.empty()) {
    throw UsageError("queue: " + problem);
  }
  made.exit_rules.defer_code = static_cast<int>(defer_code);
  made.exit_rules.dead_code = static_cast<int>(dead_code);
  if (defer_code == dead_code) {
    throw UsageError(fmt::format("dead-exit-code: {} is the defer-exit-code too", dead_code));
  }
  made.own.kill_on_partition = limits.on_partition == "kill";
  if (made.probe_address == "off") made.probe_address.clear();
  check_name("worker-id", made.worker_id);
  check_name("pod-uid", made.pod_uid);
  made.endpoint = redis::make_endpoint(redis_settings, kDefaultUrl);
  choose_handler(made, command_json, words);
  check_scratch(made);

  made.resolved = options.resolved();
  for (ResolvedSetting& setting : made.resolved) {
    // The URL may carry a password; and what was not set shows what it came to.
    if (setting.name == "redis") setting.value = made.endpoint.describe();
    if (setting.name == "handler") setting.value = made.handler;
    if (setting.name == "http-url")
      setting.value = setting.value.substr(0, setting.value.find('?'));
    if (setting.name == "probe-addr" && setting.value.empty()) setting.value = "off";
    if (setting.name == "drain-timeout" && setting.source != "default") {
      made.own.drain_timeout = limits.drain_timeout;
    }
    if (setting.name == "handler-command" && !made.command.empty()) {
      setting.value = show(made.command);
      if (!words.empty()) setting.source = "command line";
    }
  }
  return made;
}

}  // namespace wp::runner
