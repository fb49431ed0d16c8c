// workerpoolctl: settings → verb. The words are in commands.cpp, the verbs in a file each.
#include <fmt/format.h>
#include <iostream>
#include <set>
#include <utility>

#include "base/options.h"
#include "base/stop_signals.h"
#include "ctl/commands.h"
#include "ctl/connect.h"
#include "ctl/enqueue.h"
#include "ctl/exit.h"
#include "ctl/jobs_show.h"
#include "ctl/pools/pools.h"
#include "ctl/protocol.h"
#include "ctl/queue_list.h"
#include "ctl/queue_manage.h"
#include "ctl/queue_show.h"
#include "ctl/simulate/kept_load.h"
#include "ctl/simulate/simulate.h"
#include "ctl/workers_drain.h"
#include "ctl/workers_list.h"
#include "queue/queue.h"

namespace {

using namespace wp;
using namespace wp::ctl;

// `jobs show ID` and `jobs show QUEUE ID`: the last word is the id.
std::string take_job_id(Arguments& a) {
  std::string id = a.second.empty() ? std::exchange(a.first, "") : a.second;
  if (id.empty()) throw UsageError("ID: is missing; jobs show QUEUE ID");
  return id;
}

// The verbs with many words: the first is the queue unless --queue named it.
bool takes_words(const std::string& verb) {
  for (const char* name : {"jobs cancel", "jobs promote", "jobs redrive", "jobs remove",
                           "jobs reprioritise", "workers drain", "workers undrain"}) {
    if (verb == name) return true;
  }
  return false;
}

std::string queue_name(Arguments& a, const std::string& verb) {
  if (takes_words(verb) && a.queue.empty() && !a.words.empty()) {
    a.first = a.words.front();
    a.words.erase(a.words.begin());
  }
  if (verb == "queue list") return {};
  if (verb == "doctor" && a.first.empty() && a.queue.empty()) return {};
  std::string name = a.first.empty() ? a.queue : a.first;
  if (name.empty()) throw UsageError("queue: is missing (--queue, -q or WP_QUEUE)");
  if (const std::string problem = queue::problem_with_queue_name(name); !problem.empty()) {
    throw UsageError(problem);
  }
  return name;
}

int run_on_queue(const std::string& verb, const std::string& id, Arguments& a, Session& session,
                 Format format) {
  if (verb == "queue show") return queue_show(session, format);
  if (verb == "queue check") return queue_check(session, format);
  if (verb == "queue pause") {
    return queue_pause(session, a.by.empty() ? person() : a.by, format);
  }
  if (verb == "queue resume") return queue_resume(session, format);
  if (verb == "queue purge") return queue_purge(session, a.state, format);
  if (verb == "workers list") return workers_list(session, a.wide, format);
  if (verb == "workers drain") return workers_drain(session, a.words, format);
  if (verb == "workers undrain") return workers_undrain(session, a.words, format);
  if (verb == "jobs show") return jobs_show(session, id, format);
  if (verb == "jobs list") return jobs_list(session, a.list, format);
  return jobs_manage(session, a.manage, format);
}

// The settings that a flag, the environment or a file named.
std::set<std::string> given(const Options& options) {
  std::set<std::string> names;
  for (const ResolvedSetting& setting : options.resolved()) {
    if (setting.source != "default") names.insert(setting.name);
  }
  return names;
}

int run_simulate(Arguments& a, const std::set<std::string>& named, Format format) {
  if (!a.simulate.from_queue) return simulate::simulate(a.simulate, named, format);
  const std::string queue = queue_name(a, "simulate");
  const Target target = find_target(a.redis, runtime_folder());
  try {
    Session session(target, queue);
    return simulate::simulate(a.simulate, named, format, simulate::kept_load(session));
  } catch (const redis::Error& e) {
    throw to_command_error(e, target);
  }
}

int run_verb(const std::string& verb, Arguments& a, const Options& options) {
  if (verb == "protocol script") return protocol_script(a.first, a.sha1);
  const Format format = parse_format(a.output);
  if (verb == "simulate") return run_simulate(a, given(options), format);
  if (verb == "pools list") return pools_list(a.pools, runtime_folder(), format);
  if (verb == "pools explain") return pools_explain(a.pools, runtime_folder(), format);
  const std::string id = verb == "jobs show" ? take_job_id(a) : std::string();
  const std::string queue = queue_name(a, verb);
  if (verb == "enqueue") check_request(a.enqueue);
  if (verb.starts_with("jobs ") && takes_words(verb)) {
    a.manage.verb = verb.substr(verb.find(' ') + 1);
    a.manage.ids = a.words;
    check_request(a.manage);
  }
  const Target target = find_target(a.redis, runtime_folder());
  try {
    if (verb == "enqueue") return enqueue(a.enqueue, target, queue, format);
    if (verb == "doctor") {
      a.doctor.queue = queue;
      return doctor(a.doctor, target, format);
    }
    if (verb == "queue list") return queue_list(target, format);
    Session session(target, queue);
    return run_on_queue(verb, id, a, session, format);
  } catch (const redis::Error& e) {
    throw to_command_error(e, target);
  }
}

int run(int argc, char** argv) {
  Arguments arguments;
  Options options("workerpoolctl", "Producers' and operators' hand on the queues of worker pools.");
  declare_commands(options, arguments);
  if (options.parse(argc, argv) == Parsed::exit) return kDone;
  try {
    return run_verb(options.chosen(), arguments, options);
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
