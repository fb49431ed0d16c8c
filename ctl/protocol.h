// `workerpoolctl protocol script`: the text of an operation's script, for programs that speak to
// Redis by themselves (docs/protocol.md). Needs no Redis.
#pragma once

#include <string>

namespace wp::ctl {

/// Prints the text that every part of WorkerPool loads, or with `sha1_only` the SHA-1 by which
/// EVALSHA knows it; the other one goes to stderr, where a person sees it and a pipe does not.
/// Throws UsageError for a name that is none.
int protocol_script(const std::string& name, bool sha1_only);

}  // namespace wp::ctl
