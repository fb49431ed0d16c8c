// A program for the stdio handler, in Python, that does what its jobs say.
#pragma once

#include <string>
#include <vector>

namespace wp::test {

/// Its command. The payload of a job is Python, run in a function with `job`, say(…) for a message
/// of the protocol with the job's id, raw(bytes) for anything else on stdout, touch(name) for a
/// file in $HERE, wait(name) for one; what it returns is the result, unless that is "said". `begin`
/// runs before the first job, `end` at the end of stdin.
std::vector<std::string> python_worker(const std::string& begin = "pass",
                                       const std::string& end = "pass");

}  // namespace wp::test
