// The processes below a handler, found through /proc: to end them all, and to weigh them. Both look
// at every process that is visible here: for forced ends and for once a second, not for each job.
// Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace wp::runner {

/// SIGKILL to every process of these sessions, named by their leaders, and to every descendant of
/// the leaders. Descendants that began a session of their own and lost their parents have become
/// our children: they are told by the leader's marker, an entry of their environment (NAME=value)
/// that no other job has.
void kill_sessions(const std::map<pid_t, std::string>& leaders);

/// Bytes of anonymous and shared memory of each session, by its leader: of every process in it.
std::unordered_map<pid_t, std::int64_t> session_memory(const std::vector<pid_t>& leaders);

}  // namespace wp::runner
