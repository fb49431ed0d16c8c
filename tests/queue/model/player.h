// Plays commands on a real queue and on its model, and compares: each reply where the contract
// determines it, and after each command the whole of what is visible in Redis.
//
// Owned by one test. Throws Mismatch, with the story so far, when queue and model differ.
#pragma once

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "queue/queue.h"
#include "tests/queue/model/command.h"
#include "tests/queue/model/world.h"

namespace wp::test {

/// Six workers of four pods: two of the pods had two incarnations.
const std::vector<std::string>& model_workers();

class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Player {
 public:
  /// On an empty server. `raw` looks and meddles beside the queue's own connection.
  Player(redis::Connection& connection, redis::Connection& raw);

  void play(const Command& command);
  /// The cause of all trouble is gone: what lives completes, once, and the books balance.
  void finish();

 private:
  struct Known {
    std::string worker;
    queue::Claim claim;
  };
  using Ids = std::vector<std::string>;

  // player_worker.cpp
  void enqueue(Dice& dice);
  void step(Dice& dice, bool reply_lost);
  void beat(Dice& dice);
  void release(Dice& dice);
  void put_off(const World::Jobs& aside);
  void register_worker(Dice& dice);
  std::vector<queue::Settlement> some_settlements(Dice& dice, const std::string& worker);
  queue::Settlement some_settlement(Dice& dice, const queue::ClaimedJob& job);
  void do_step(const std::string& worker, const std::vector<queue::Settlement>& settlements,
               int want, bool reply_lost);
  void expect_claims(const std::string& worker, const std::vector<queue::ClaimedJob>& claimed,
                     int want);
  std::vector<queue::Claim> some_claims(Dice& dice, const std::string& worker, int of_four);
  void see_session(const std::string& name, std::int64_t version);
  void forget_claim(const std::string& worker, const std::string& id);

  // player_enqueue.cpp
  queue::NewJob some_job(Dice& dice);
  std::string some_new_id(Dice& dice);
  void expect_enqueued(const std::vector<queue::NewJob>& jobs,
                       const std::vector<queue::Enqueued>& answers);

  // player_operator.cpp
  void retire(Dice& dice);
  void unretire(Dice& dice);
  void reclaim(Dice& dice);
  void trim();
  void config(Dice& dice);
  void orphan();
  void counts();

  // player_person.cpp
  void manage(Kind kind, Dice& dice);
  void purge(Dice& dice);
  void pause(bool on);

  // player_world.cpp: what happens to a queue
  void meddle(Kind kind, Dice& dice);

  // compare.cpp
  void compare();
  void compare_dropped(queue::JobState state, const redis::Reply& real);
  void compare_token(const Ids& wake);
  void check();
  void compare_stat();

  Ids some_ids(Dice& dice, int at_most);
  void say(const std::string& line);
  void expect(bool fine, const std::string& what);

  redis::Connection& raw_;
  queue::Queue queue_;
  World world_;
  std::map<std::string, std::map<std::string, queue::ClaimedJob>> known_;  // by worker, id
  std::vector<Known> old_;                                                 // fences of the past
  std::map<std::string, std::int64_t> session_versions_;  // the highest that was seen
  std::int64_t epoch_ = 0;
  int made_ = 0;                // ids
  std::int64_t latest_ = 0;     // end of a job that was seen
  bool trimmed_ = false;        // this operation drops old finished jobs
  bool woken_ = false;          // this operation restores rule W
  bool popped_ = false;         // the token was taken, and nothing restored it since
  bool first_delayed_ = false;  // this operation made a job the earliest delayed one
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::string story_;
};

}  // namespace wp::test
