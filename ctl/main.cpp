// workerpoolctl: settings → verb. The verbs are in a file each; this one knows their words.
#include <fmt/format.h>
#include <iostream>
#include <utility>

#include "base/options.h"
#include "base/stop_signals.h"
#include "ctl/connect.h"
#include "ctl/enqueue.h"
#include "ctl/exit.h"
#include "ctl/jobs_show.h"
#include "ctl/queue_show.h"
#include "ctl/workers_list.h"
#include "queue/queue.h"

namespace {

using namespace wp;
using namespace wp::ctl;

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

struct Arguments {
  redis::Settings redis;
  std::string queue;
  std::string output = "table";
  EnqueueRequest enqueue;
  std::string first;  // words behind the verb
  std::string second;
};

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

// `jobs show ID` and `jobs show QUEUE ID`: the last word is the id.
std::string take_job_id(Arguments& a) {
  std::string id = a.second.empty() ? std::exchange(a.first, "") : a.second;
  if (id.empty()) throw UsageError("ID: is missing; jobs show QUEUE ID");
  return id;
}

std::string queue_name(const Arguments& a) {
  std::string name = a.first.empty() ? a.queue : a.first;
  if (name.empty()) throw UsageError("queue: is missing (--queue, -q or WP_QUEUE)");
  if (const std::string problem = queue::problem_with_queue_name(name); !problem.empty()) {
    throw UsageError(problem);
  }
  return name;
}

int run_verb(const std::string& verb, Arguments& a) {
  const Format format = parse_format(a.output);
  const std::string id = verb == "jobs show" ? take_job_id(a) : std::string();
  const std::string queue = queue_name(a);
  if (verb == "enqueue") check_request(a.enqueue);
  const Target target = find_target(a.redis, runtime_folder());
  try {
    if (verb == "enqueue") return enqueue(a.enqueue, target, queue, format);
    Session session(target, queue);
    if (verb == "queue show") return queue_show(session, format);
    if (verb == "queue check") return queue_check(session, format);
    if (verb == "workers list") return workers_list(session, format);
    return jobs_show(session, id, format);
  } catch (const redis::Error& e) {
    throw to_command_error(e, target);
  }
}

int run(int argc, char** argv) {
  Arguments arguments;
  Options options("workerpoolctl", "Producers' and operators' hand on the queues of worker pools.");
  declare_globals(options, arguments);
  declare_enqueue(options, arguments);
  declare_lookups(options, arguments);
  if (options.parse(argc, argv) == Parsed::exit) return kDone;
  try {
    return run_verb(options.chosen(), arguments);
  } catch (const CommandError& e) {
    std::cerr << "workerpoolctl: " << e.what() << "\n";
    return e.code();
  }
}

}  // namespace

int main(int argc, char** argv) {
  ignore_sigpipe();
  return run_program("workerpoolctl", [&] { return run(argc, argv); });
}
