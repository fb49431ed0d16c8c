// The machine's own ceiling: how many jobs a second this Redis carries when a script makes the
// vector calls of the queue's own operation on the same data, and decides nothing.
//
// What it does. redis-benchmark with 8 clients, so that Redis never waits, calls a script by
// EVALSHA. The script of STEP takes n ids from the head of a stocked ready set, reads their bodies
// and facts, writes lease, owner and the worker's index for each (claim), reads the owners, removes
// all three again, drops the bodies, writes a result and a finished time for each, and drops as
// many of the oldest finished jobs (settle). Beside these 15 vector calls it makes the 17 small
// ones that a STEP needs once: time, configuration, counters, what is due, what expired, the
// worker's beat, the wake token. The script of ENQUEUE looks for duplicates, writes body and ready
// set for n new ids, and the counters.
//
// Why it is fair. Not inflated: ids are as many and as long as ours, each id is touched as often,
// the sets and hashes hold as many members (the stock of a round, 1000 finished), the values are
// as long, and arguments and reply carry what a worker must send and get: id, fence, result and
// duration in; id, fence and body out. Nothing stays in a small hot set: each call has other ids.
// Not deflated: it uses the cheapest commands known (ZRANGE and ZREMRANGEBYRANK instead of
// ZPOPMIN; scores as text, one text where all are equal; ids and scores of ENQUEUE by one
// concatenation), packs and parses nothing, compares nothing, and its clients do no work.
//
// What is left out of ours is all that the queue adds: fences, typed refusals, retries, facts,
// histograms, rates, sessions; and the round trip in which a lone worker leaves Redis idle.
#pragma once

#include <cstdint>

#include "bench/server.h"

namespace wp::bench {

class Ceiling {
 public:
  explicit Ceiling(Server& server);

  /// Jobs a second over `calls` STEPs of `batch` jobs each. Stocks what they take beforehand.
  double step(int batch, std::int64_t calls);
  /// Jobs a second over `calls` ENQUEUEs of `batch` jobs with a payload of so many bytes.
  double enqueue(int batch, std::int64_t calls, std::size_t payload);
  /// The server's processor time per job of the last measurement, in microseconds.
  double cpu_us() const { return cpu_us_; }
  /// Drops the stock.
  void clear();

 private:
  void load();
  double run(const std::string& sha, std::int64_t calls, int batch,
             const std::vector<std::string>& args);

  Server& server_;
  std::string step_sha_;
  std::string enqueue_sha_;
  double cpu_us_ = 0;
};

}  // namespace wp::bench
