#include "ctl/commands.h"

namespace wp::ctl {
namespace {

constexpr std::int64_t kTenYears = 10ll * 365 * 24 * 3600 * 1000;

constexpr const char* kEpilog =
    "--redis, --queue, --output and the like may stand before or behind the verb.\n"
    "Without --redis: the address of the one local pool that runs here, else\n"
    "redis://127.0.0.1:6379/0.\n"
    "\n"
    "Exit codes:\n"
    "   0  done\n"
    "   1  error\n"
    "   2  wrong usage, or a job that is not allowed\n"
    "   4  no such queue or job\n"
    "  69  Redis does not answer, or does not let us in\n"
    "  75  full: try again later\n"
    " 130  a batch was stopped by a signal\n"
    "\n"
    "Examples:\n"
    "  workerpoolctl enqueue thumbnail --queue images --payload '{\"file\":\"a.png\"}'\n"
    "  workerpoolctl enqueue --queue images --batch jobs.jsonl --wait\n"
    "  workerpoolctl queue show images\n"
    "  workerpoolctl workers list images -o json\n"
    "  workerpoolctl jobs show images 0aBcDeFgHiJkL";

constexpr const char* kVerbEpilog =
    "--redis, --queue, --output: see workerpoolctl --help, as the exit codes.";

constexpr const char* kEnqueueEpilog =
    "A line of a batch is a JSON object with the keys type, payload, id, priority, delay, each of\n"
    "which may be absent: TYPE, --priority and --delay are for lines that name none. A payload\n"
    "that is a text is passed on as its bytes, any other JSON as its text without blanks.\n"
    "A file is checked as a whole before anything is sent; a pipe is checked line by line.\n"
    "\n"
    "--redis, --queue, --output: see workerpoolctl --help, as the exit codes.";

constexpr const char* kProtocolEpilog =
    "Any client of Redis enqueues with this script:\n"
    "  workerpoolctl protocol script enqueue > enqueue.lua\n"
    "  redis-cli -x SCRIPT LOAD < enqueue.lua\n"
    "Its keys and arguments, and examples in several languages: docs/protocol.md.";

void declare_globals(Options& options, Arguments& a) {
  redis::declare_settings(
      options, a.redis, "without it the one local pool's, else redis://127.0.0.1:6379/0");
  options.text({.name = "queue", .env = "WP_QUEUE", .help = "the queue's name", .letter = 'q'},
               a.queue);
  options.choice({.name = "output",
                  .env = "WP_OUTPUT",
                  .help = "table, json or yaml",
                  .placeholder = "FORMAT",
                  .letter = 'o'},
                 a.output, {"table", "json", "yaml"});
  options.epilog(kEpilog);
}

void declare_enqueue(Options& options, Arguments& a) {
  EnqueueRequest& request = a.enqueue;
  Options& verb = options.command("enqueue", "Puts one job, or a batch, into a queue");
  verb.positional("TYPE", "the job's type: 1 to 64 of A-Z a-z 0-9 . _ : -", request.type, false);
  verb.text({.name = "payload",
             .help = "text, @file, @- for standard input, @@text for text that begins with @"},
            request.payload);
  verb.text({.name = "id",
             .help = "the job's id, one that lives already is a duplicate; made when "
                     "absent"},
            request.id);
  verb.integer({.name = "priority", .help = "0 to 255, 255 first"}, request.priority, {0, 255});
  verb.duration({.name = "delay", .help = "not before this time from now"}, request.delay,
                {0, kTenYears});
  verb.text({.name = "batch", .help = "JSON Lines, - for standard input", .placeholder = "FILE"},
            request.batch);
  verb.integer({.name = "from-line", .help = "skip the lines of the batch before this one"},
               request.from_line, {1, std::int64_t{1} << 53});
  verb.toggle({.name = "wait", .help = "wait for room when the queue is full"}, request.wait);
  verb.toggle({.name = "force", .help = "also when no pool or worker serves the queue"},
              request.force);
  verb.epilog(kEnqueueEpilog);
}

void declare_lookups(Options& options, Arguments& a) {
  const auto with_queue = [&a](Options& verb) {
    verb.positional("QUEUE", "the queue's name, instead of --queue", a.first, false);
    verb.epilog(kVerbEpilog);
  };
  Options& queue = options.command("queue", "Looks at a queue");
  with_queue(queue.command("show", "Counts and shares per state, counters, types, configuration"));
  with_queue(queue.command("check", "Asserts the queue's invariants; reads all of it"));
  with_queue(options.command("workers", "Looks at the workers of a queue")
                 .command("list", "Who beats, what each runs and has done"));
  Options& show =
      options.command("jobs", "Looks at jobs").command("show", "Everything known of one job");
  show.positional("QUEUE", "the queue's name, instead of --queue; may be absent", a.first, false);
  show.positional("ID", "the job's id", a.second, false);
  show.epilog(kVerbEpilog);
}

void declare_protocol(Options& options, Arguments& a) {
  Options& script =
      options.command("protocol", "What programs need that speak to Redis by themselves")
          .command("script", "The text of an operation's script, as every client loads it");
  script.positional("NAME", "enqueue; see docs/protocol.md", a.first, false);
  script.toggle({.name = "sha1", .help = "its SHA-1, by which EVALSHA calls it"}, a.sha1);
  script.epilog(kProtocolEpilog);
}

}  // namespace

void declare_commands(Options& options, Arguments& arguments) {
  declare_globals(options, arguments);
  declare_enqueue(options, arguments);
  declare_lookups(options, arguments);
  declare_protocol(options, arguments);
}

}  // namespace wp::ctl
