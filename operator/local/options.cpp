#include "operator/local/options.h"

namespace wp::local {

void add_local_command(Options& root, LocalOptions& options) {
  Options& command = root.command(
      "local", "runs a pool on this machine: the same decisions, with processes as workers");
  command.text({.name = "file",
                .help = "the pool (YAML); - is standard input",
                .placeholder = "POOL.yaml",
                .letter = 'f'},
               options.file);
  redis::declare_settings(command, options.redis,
                          "without it the pool's own, else a private redis-server that ends with "
                          "this command");
  command.toggle({.name = "until-empty",
                  .help = "ends, with a report, when every job was run; exit status 1 when jobs "
                          "are dead or the queue is inconsistent"},
                 options.until_empty);
  command.text({.name = "results",
                .help = "at the end, a JSON line per finished job goes here",
                .placeholder = "FILE"},
               options.results);
  command.text(
      {.name = "report", .help = "at the end, the report as JSON goes here", .placeholder = "FILE"},
      options.report);
  command.text({.name = "metrics-addr",
                .env = "WP_METRICS_ADDR",
                .help = "host:port or :port of /metrics; none by default",
                .placeholder = "ADDR"},
               options.metrics_addr);
  command.text({.name = "probe-addr",
                .env = "WP_PROBE_ADDR",
                .help = "host:port or :port of /healthz and /readyz; none by default",
                .placeholder = "ADDR"},
               options.probe_addr);
  command.text({.name = "state-dir",
                .help = "folder for the private Redis and the workers' logs; by default "
                        "$XDG_RUNTIME_DIR/workerpool/<pool>, else /tmp/workerpool-<uid>/<pool>",
                .placeholder = "DIR"},
               options.state_dir);
  command.text({.name = "runner",
                .help = "the runner's program; by default beside this one, else in PATH",
                .placeholder = "PATH"},
               options.runner);
  command.toggle({.name = "verbose", .help = "the workers' logs come to stderr, not to files"},
                 options.verbose);
  command.choice({.name = "log-level",
                  .env = "WP_LOG_LEVEL",
                  .help = "of this program's own log: debug, info, warn, error, off"},
                 options.log_level, {"debug", "info", "warn", "error", "off"});
  command.epilog(
      "Handlers run in the folder of the pool's file, so its command may name files beside it.\n"
      "Ctrl-C: running jobs finish, up to drainTimeout; a second one gives them back.\n\n"
      "Examples:\n"
      "  workerpool-operator local -f pool.yaml\n"
      "  workerpool-operator local -f pool.yaml --until-empty --results results.jsonl");
}

}  // namespace wp::local
