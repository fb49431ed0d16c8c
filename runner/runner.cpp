#include "runner/runner.h"

#include <fmt/format.h>
#include <malloc.h>
#include <optional>
#include <stdexcept>
#include <unistd.h>

#include "base/http_server.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/stop_signals.h"
#include "runner/handlers/builtin.h"
#include "runner/handlers/environment.h"
#include "runner/handlers/exec.h"
#include "runner/handlers/http/handler.h"
#include "runner/handlers/stdio/handler.h"
#include "runner/io_loop.h"
#include "runner/process/reaper.h"
#include "runner/process/spawn.h"

namespace wp::runner {
namespace {

// For processes that outlive their jobs, when the runner leaves.
constexpr Millis kCloseGrace{2000};

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

HandlerLoop::MakeHandler handler_maker(const RunnerOptions& options) {
  if (const auto kind = parse_builtin(options.handler)) {
    return [kind](EventLoop& loop, HandlerEvents& events) -> std::unique_ptr<Handler> {
      return std::make_unique<BuiltinHandler>(*kind, loop, events);
    };
  }
  if (options.handler == "stdio") {
    StdioSettings settings;
    settings.path = options.program;
    settings.argv = options.command;
    settings.base_env = inherited_environment();
    settings.queue = options.queue;
    settings.scratch_dir = options.scratch_dir;
    settings.processes = static_cast<int>(options.concurrency);
    settings.ready = options.stdio_ready;
    settings.startup_timeout = options.stdio_startup_timeout;
    return [settings](EventLoop& loop, HandlerEvents& events) -> std::unique_ptr<Handler> {
      return std::make_unique<StdioHandler>(settings, loop, events);
    };
  }
  if (options.handler == "http") {
    HttpSettings settings;
    settings.target = parse_http_url(options.http_url);
    settings.ready_path = options.http_ready_path;
    settings.queue = options.queue;
    settings.slots = static_cast<int>(options.concurrency);
    settings.defer_delay = options.exit_rules.defer_delay;
    return [settings](EventLoop& loop, HandlerEvents& events) -> std::unique_ptr<Handler> {
      return std::make_unique<HttpHandler>(settings, loop, events);
    };
  }
  ExecSettings settings;
  settings.path = options.program;
  settings.argv = options.command;
  settings.base_env = inherited_environment();
  settings.queue = options.queue;
  settings.scratch_dir = options.scratch_dir;
  settings.slots = static_cast<int>(options.concurrency);
  settings.rules = options.exit_rules;
  return [settings](EventLoop& loop, HandlerEvents& events) -> std::unique_ptr<Handler> {
    return std::make_unique<ExecHandler>(settings, loop, events);
  };
}

HealthCheck check_pulse(const char* name, const std::function<const Pulse*()>& pulse) {
  return {name, [pulse]() -> std::optional<std::string> {
            const Pulse* watched = pulse();
            return watched != nullptr ? pulse_problem(*watched) : std::nullopt;
          }};
}

void log_settings(const RunnerOptions& options, const std::string& worker, int port) {
  for (const ResolvedSetting& setting : options.resolved) {
    // What nobody set would bury what somebody did.
    const auto level = setting.source == "default" ? log::Level::debug : log::Level::info;
    log::write(level, "setting",
               {{"name", setting.name}, {"value", setting.value}, {"source", setting.source}});
  }
  log::info("starting", {{"worker", worker},
                         {"version", WORKERPOOL_VERSION},
                         {"pid", getpid()},
                         {"queue", options.queue},
                         {"handler", options.handler},
                         {"program", options.program},
                         {"concurrency", options.concurrency},
                         {"redis", options.endpoint.describe()},
                         {"database", options.endpoint.database},
                         {"probe_port", port}});
}

}  // namespace

int run_runner(const RunnerOptions& options) {
  // Threads share two heaps: a heap for each would cost more memory than the contention is worth.
  mallopt(M_ARENA_MAX, 2);
  ignore_sigpipe();
  block_child_signal();
  become_subreaper();
  raise_descriptor_limit();
  forget_secret_environment();

  Mailbox mailbox;
  const StopSignals signals([&mailbox](int count) { mailbox.signal(count); });
  RunnerMetrics metrics;

  // The probes answer before anything else is up: the name of this worker needs their port.
  std::atomic<IoLoop*> io{nullptr};
  std::atomic<WakeLoop*> wake{nullptr};
  std::atomic<HandlerLoop*> handlers{nullptr};
  const auto pulse_of = [](const auto& loop) {
    return [&loop]() -> const Pulse* {
      const auto* running = loop.load();
      return running != nullptr ? &running->pulse() : nullptr;
    };
  };
  std::optional<HttpServer> probes;
  if (!options.probe_address.empty()) {
    HttpServer::Endpoints endpoints;
    endpoints.metrics = &metrics.registry();
    endpoints.live = {check_pulse("io", pulse_of(io)), check_pulse("wake", pulse_of(wake)),
                      check_pulse("handlers", pulse_of(handlers))};
    endpoints.ready = {{"registered", [&io]() -> std::optional<std::string> {
                          const IoLoop* running = io.load();
                          if (running != nullptr && running->ready()) return std::nullopt;
                          return "not registered yet, the program is not there, or stopping";
                        }}};
    try {
      probes.emplace(options.probe_address, std::move(endpoints));
    } catch (const std::runtime_error& error) {
      throw UsageError(fmt::format("probe-addr: {}; choose another, or off", error.what()));
    }
  }

  const int port = probes ? probes->port() : static_cast<int>(getpid());
  IoSettings settings;
  settings.identity.uid = !options.pod_uid.empty()     ? options.pod_uid
                          : !options.worker_id.empty() ? options.worker_id
                                                       : host_name() + "-" + std::to_string(port);
  settings.identity.worker = settings.identity.uid + "/" + random_hex(8);
  settings.identity.pod = options.pod_name;
  settings.identity.node = options.node;
  settings.identity.slots = static_cast<int>(options.concurrency);
  settings.queue = options.queue;
  settings.endpoint = options.endpoint;
  settings.own = options.own;
  settings.runs_program = !options.command.empty();
  log_settings(options, settings.identity.worker, probes ? port : 0);

  int exit_code = 0;
  {
    // Left in the reverse order: the claims end, then the handlers, and the probes last.
    HandlerLoop handler_loop(handler_maker(options), mailbox);
    WakeLoop wake_loop(settings.endpoint, queue::key_name(options.queue, "wake"), mailbox);
    IoLoop io_loop(std::move(settings), mailbox, handler_loop, wake_loop, metrics);
    handlers = &handler_loop;
    wake = &wake_loop;
    io = &io_loop;
    exit_code = io_loop.run();
    handler_loop.close(kCloseGrace);
    probes.reset();  // they look at the loops
  }
  return exit_code;
}

}  // namespace wp::runner
