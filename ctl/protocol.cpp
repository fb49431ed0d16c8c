#include "ctl/protocol.h"

#include <fmt/format.h>
#include <iostream>
#include <vector>

#include "base/options.h"
#include "ctl/exit.h"
#include "ctl/output/table.h"
#include "queue/scripts.h"

namespace wp::ctl {
namespace {

const redis::Script& find_script(const std::string& name) {
  const queue::Scripts& all = queue::scripts();
  std::string names;
  for (const redis::Script* script :
       {&all.enqueue, &all.step,   &all.beat,   &all.release, &all.register_worker,
        &all.config,  &all.orphan, &all.counts, &all.retire,  &all.unretire,
        &all.reclaim, &all.trim,   &all.cancel, &all.promote, &all.reprioritise,
        &all.redrive, &all.remove, &all.purge,  &all.pause,   &all.job,
        &all.list,    &all.check}) {
    if (script->name() == name) return *script;
    names += (names.empty() ? "" : ", ") + script->name();
  }
  if (name.empty()) throw UsageError("NAME: is missing; protocol script enqueue");
  throw UsageError(fmt::format("NAME: no script {}; there are {}", printable(name), names));
}

}  // namespace

int protocol_script(const std::string& name, bool sha1_only) {
  const redis::Script& script = find_script(name);
  if (sha1_only) {
    std::cout << script.sha1() << "\n";
    return kDone;
  }
  std::cout << script.source() << std::flush;
  std::cerr << fmt::format("workerpoolctl: SHA-1 {}, {} keys\n", script.sha1(),
                           script.key_names().size());
  return kDone;
}

}  // namespace wp::ctl
