#include "ctl/commands.h"

namespace wp::ctl {
namespace {

constexpr std::int64_t kTenYears = 10ll * 365 * 24 * 3600 * 1000;
constexpr std::int64_t kThirtyDays = 30ll * 24 * 3600 * 1000;

constexpr const char* kEpilog =
    "--redis, --queue, --output and the like may stand before or behind the verb.\n"
    "Without --redis: the address of the one local pool that runs here, else\n"
    "redis://127.0.0.1:6379/0.\n"
    "\n"
    "Exit codes:\n"
    "   0  done\n"
    "   1  error, or (doctor, queue check) something is wrong\n"
    "   2  wrong usage, or a job that is not allowed\n"
    "   4  no such queue, job or pool\n"
    "  69  Redis (or the API server) does not answer, or does not let us in\n"
    "  74  taken, but by fewer replicas than --wait-replicas\n"
    "  75  full: try again later\n"
    " 130  a batch was stopped by a signal\n"
    "\n"
    "Examples:\n"
    "  workerpoolctl enqueue thumbnail --queue images --payload '{\"file\":\"a.png\"}'\n"
    "  workerpoolctl enqueue --queue images --batch jobs.jsonl --wait\n"
    "  workerpoolctl queue list\n"
    "  workerpoolctl queue show images\n"
    "  workerpoolctl workers list images -o json\n"
    "  workerpoolctl pools explain images\n"
    "  workerpoolctl jobs list images --state dead\n"
    "  workerpoolctl jobs redrive images --all\n"
    "  workerpoolctl jobs show images 0aBcDeFgHiJkL\n"
    "  workerpoolctl doctor\n"
    "  workerpoolctl simulate --load onoff --plot -";

constexpr const char* kVerbEpilog =
    "--redis, --queue, --output: see workerpoolctl --help, as the exit codes.";

constexpr const char* kEnqueueEpilog =
    "A line of a batch is a JSON object with the keys type, payload, id, priority, delay,\n"
    "timeout, unique, unique_for, session, chain, each of which may be absent: TYPE, --priority,\n"
    "--delay, --timeout, --unique-for and --session are for lines that name none. A payload that\n"
    "is a text is passed on as its bytes, any other JSON as its text without blanks.\n"
    "A file is checked as a whole before anything is sent; a pipe is checked line by line.\n"
    "\n"
    "A chain is a JSON list of the steps that follow, in order, each an object with type,\n"
    "payload, id, priority, timeout: each step gets the result of the one before.\n"
    "\n"
    "Examples:\n"
    "  workerpoolctl enqueue mail -q out --unique order-7 --unique-for 1h --payload '{\"to\":1}'\n"
    "  workerpoolctl enqueue fetch -q out --chain '[{\"type\":\"resize\"},{\"type\":\"store\"}]'\n"
    "  workerpoolctl enqueue pay -q out --id order-7 --wait-replicas 1 --wait-ms 500\n"
    "\n"
    "--redis, --queue, --output: see workerpoolctl --help, as the exit codes.";

constexpr const char* kProtocolEpilog =
    "Any client of Redis enqueues with this script:\n"
    "  workerpoolctl protocol script enqueue > enqueue.lua\n"
    "  redis-cli -x SCRIPT LOAD < enqueue.lua\n"
    "Its keys and arguments, and examples in several languages: docs/protocol.md.";

void declare_globals(Options& options, Arguments& a) {
  redis::declare_settings(options, a.redis,
                          "without it the one local pool's, else redis://127.0.0.1:6379/0");
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
  verb.duration(
      {.name = "timeout", .help = "of one attempt, where the pool allows so much; 0s: the pool's"},
      request.timeout, {0, kThirtyDays});
  verb.text({.name = "unique", .help = "not while another job holds this key; at most 256 bytes"},
            request.unique);
  verb.duration({.name = "unique-for", .help = "hold the key so long; 0s: while the job lives"},
                request.unique_for, {0, kTenYears});
  verb.text({.name = "session", .help = "the document that this job shares with others"},
            request.session);
  verb.text({.name = "chain",
             .help = "what follows when it completes: a JSON list, or a file that holds one",
             .placeholder = "FILE|JSON"},
            request.chain);
  verb.integer(
      {.name = "wait-replicas", .help = "wait until so many replicas have it (WAIT); else exit 74"},
      request.wait_replicas, {0, 100});
  verb.integer({.name = "wait-ms", .help = "at most so long, after each call"}, request.wait_ms,
               {1, 600'000});
  verb.text({.name = "batch", .help = "JSON Lines, - for standard input", .placeholder = "FILE"},
            request.batch);
  verb.integer({.name = "from-line", .help = "skip the lines of the batch before this one"},
               request.from_line, {1, std::int64_t{1} << 53});
  verb.toggle({.name = "wait", .help = "wait for room when the queue is full"}, request.wait);
  verb.toggle({.name = "force", .help = "also when no pool or worker serves the queue"},
              request.force);
  verb.epilog(kEnqueueEpilog);
}

void with_queue(Options& verb, Arguments& a, const std::string& epilog = kVerbEpilog) {
  verb.positional("QUEUE", "the queue's name, instead of --queue", a.first, false);
  verb.epilog(epilog);
}

void declare_queue(Options& options, Arguments& a) {
  Options& queue = options.command("queue", "Looks at a queue, holds it, empties it");
  queue.command("list", "The queues of this Redis: what waits, runs and is dead in each")
      .epilog(kVerbEpilog);
  with_queue(queue.command("show", "Counts and shares per state, counters, types, configuration"),
             a);
  with_queue(queue.command("check", "Asserts the queue's invariants; reads all of it"), a,
             "Reads every job in one script: Redis does nothing else meanwhile, some seconds for\n"
             "a million jobs. Exit code 1 when an invariant is violated.");
  Options& pause =
      queue.command("pause", "No job is claimed until queue resume; running ones finish");
  pause.text({.name = "by", .help = "who does it, for others to see; $USER when absent"}, a.by);
  with_queue(pause, a);
  with_queue(queue.command("resume", "Ends queue pause"), a);
  Options& purge = queue.command("purge", "Drops the jobs of a state that are there now, for good");
  purge.choice({.name = "state", .help = "waiting, delayed, done or dead; must be given"}, a.state,
               {"waiting", "delayed", "done", "dead"});
  with_queue(purge, a);
}

void declare_workers(Options& options, Arguments& a) {
  Options& workers = options.command("workers", "Looks at the workers of a queue, drains them");
  Options& list = workers.command("list", "Who beats, what each runs and has done");
  list.toggle({.name = "wide", .help = "with the ids of workers, and their nodes"}, a.wide);
  with_queue(list, a);
  for (const auto& [name, about] :
       {std::pair{"drain", "They finish what they run and claim no more, until undrain"},
        {"undrain", "They may claim again"}}) {
    Options& verb = workers.command(name, about);
    verb.words("WORKER", "as workers list names them, or pods; QUEUE unless there is --queue",
               a.words);
    verb.epilog(kVerbEpilog);
  }
}

void declare_jobs(Options& options, Arguments& a) {
  Options& jobs = options.command("jobs", "Looks at jobs, and changes what becomes of them");
  Options& show = jobs.command("show", "Everything known of one job");
  show.positional("QUEUE", "the queue's name, instead of --queue; may be absent", a.first, false);
  show.positional("ID", "the job's id", a.second, false);
  show.epilog(kVerbEpilog);
  Options& list = jobs.command("list", "Jobs by state: next to run, or finished last, first");
  list.choice({.name = "state",
               .help = "all, waiting, ready, alone (suspects), delayed, active, done or dead"},
              a.list.state,
              {"all", "waiting", "ready", "alone", "delayed", "active", "done", "dead"});
  list.integer({.name = "limit", .help = "of each state"}, a.list.limit, {1, 1000});
  list.integer({.name = "offset", .help = "skip so many of each state"}, a.list.offset,
               {0, 1'000'000'000});
  with_queue(list, a);
  for (const auto& [name, about] :
       {std::pair{"cancel", "Waiting jobs are dead at once, running ones stopped within a beat"},
        {"promote", "Delayed jobs are ready now"},
        {"redrive", "Dead jobs begin anew"},
        {"remove", "Drops jobs and all that is known of them; not while they run"},
        {"reprioritise", "Waiting and delayed jobs get another priority"}}) {
    Options& verb = jobs.command(name, about);
    verb.words("ID", "the jobs' ids; QUEUE in front unless there is --queue", a.words);
    if (name == std::string("redrive")) {
      verb.toggle({.name = "all", .help = "every job that is dead now, a thousand a call"},
                  a.manage.all);
    }
    if (name == std::string("reprioritise")) {
      verb.integer({.name = "priority", .help = "0 to 255, 255 first; must be given"},
                   a.manage.priority, {-1, 255});
    }
    verb.epilog(
        "Exit code 4 when there is no such job among them, 1 when some were left as they are.\n"
        "--redis, --queue, --output: see workerpoolctl --help.");
  }
}

void declare_pools(Options& options, Arguments& a) {
  PoolsRequest& request = a.pools;
  Options& pools = options.command("pools", "Looks at worker pools, in a cluster or local ones");
  const auto with_cluster = [&request](Options& verb) {
    verb.text({.name = "kubeconfig",
               .help = "the cluster's kubeconfig; default: $KUBECONFIG, ~/.kube/config",
               .placeholder = "FILE"},
              request.kubeconfig);
    verb.text({.name = "context", .help = "of the kubeconfig", .placeholder = "NAME"},
              request.context);
    verb.text({.name = "namespace",
               .help = "default: the context's",
               .placeholder = "NAME",
               .letter = 'n'},
              request.ns);
    verb.toggle({.name = "local", .help = "pools of local mode on this machine only"},
                request.local);
    verb.epilog(
        "Without a cluster, or when it has no such pool: those of local mode on this machine.\n"
        "Exit code 4 when there is no such pool, 69 when the API server does not let us in.\n"
        "What the words mean, and what to do about each: docs/status.md.");
  };
  Options& list = pools.command("list", "The columns of kubectl get wp");
  with_cluster(list);
  list.toggle({.name = "all-namespaces", .help = "of every namespace", .letter = 'A'},
              request.all_namespaces);
  list.toggle({.name = "wide", .help = "more columns, as kubectl get wp -o wide"}, request.wide);
  list.toggle({.name = "watch", .help = "print again what changes, until Ctrl-C", .letter = 'w'},
              request.watch);
  Options& explain = pools.command(
      "explain", "Why a pool has the size that it has, what limits it, and what to do next");
  with_cluster(explain);
  explain.positional("POOL", "NAME or namespace/NAME; may be absent when there is one only",
                     request.name, false);
}

void declare_doctor(Options& options, Arguments& a) {
  Options& verb = options.command(
      "doctor", "Looks at all that has to be right: Redis, the user's rights, the queues");
  verb.toggle({.name = "deep",
               .help = "check the invariants of large queues, too: Redis stands "
                       "still meanwhile"},
              a.doctor.deep);
  verb.choice({.name = "as",
               .help = "whose rights this user needs: producer, worker, operator or "
                       "person"},
              a.doctor.role, {"producer", "worker", "operator", "person"});
  verb.positional("QUEUE", "a queue; every one that is found when absent", a.first, false);
  verb.epilog(
      "One line for each thing: ok, warn (works, but not as it should), FAIL (does not work, or\n"
      "loses jobs), unknown (may not be looked at: a managed Redis, a user without the right).\n"
      "Exit code 0 when nothing failed, 1 when something did, 2 for wrong usage.\n"
      "\n"
      "Examples:\n"
      "  workerpoolctl doctor\n"
      "  workerpoolctl doctor images -o json\n"
      "  WP_REDIS_PASSWORD=... workerpoolctl doctor images --redis-username wp-worker --as worker");
}

void declare_simulate(Options& options, Arguments& a) {
  simulate::declare(
      options.command("simulate", "What each scaling policy would make of a load: cost and waits"),
      a.simulate);
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
  declare_queue(options, arguments);
  declare_jobs(options, arguments);
  declare_workers(options, arguments);
  declare_pools(options, arguments);
  declare_doctor(options, arguments);
  declare_simulate(options, arguments);
  declare_protocol(options, arguments);
}

}  // namespace wp::ctl
