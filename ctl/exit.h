// How a command ends: the exit codes that scripts rely on (listed in --help), and the exception
// that carries one with its one line for stderr. Thrown by the verbs, caught by main() only.
#pragma once

#include <stdexcept>
#include <string>

namespace wp::ctl {

enum Exit : int {
  kDone = 0,
  kError = 1,
  kUsage = 2,
  kNotFound = 4,         // no such queue, job or pool
  kUnreachable = 69,     // Redis or the API server does not answer or let us in (EX_UNAVAILABLE)
  kTooFewReplicas = 74,  // the jobs are taken, but not by as many replicas as wanted (EX_IOERR)
  kFull = 75,            // the queue or Redis is full: try again (EX_TEMPFAIL)
  kStopped = 130,        // a signal ended a batch half way
};

class CommandError : public std::runtime_error {
 public:
  CommandError(Exit code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Exit code() const { return code_; }

 private:
  Exit code_;
};

}  // namespace wp::ctl
