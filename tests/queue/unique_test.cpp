// Deduplication by id and by unique key: one behaviour a case.
#include <doctest/doctest.h>

#include "queue/queue.h"
#include "queue/redis/script.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {

using wp::test::kWorker;

NewJob keyed(const std::string& id, const std::string& unique, Millis unique_for = Millis{0}) {
  NewJob job;
  job.id = id;
  job.unique = unique;
  job.unique_for = unique_for;
  return job;
}

// The key's time is over.
void expire(QueueFixture& f, const std::string& key) {
  (void)f.raw.execute({"ZADD", key_name("q", "uniqexp"), "XX", "1", key});
}

}  // namespace

TEST_CASE("a key held by a living job answers the second job with the first one's id and state") {
  QueueFixture f;
  (void)f.put({keyed("x", "k")});
  const auto again = f.put({keyed("y", "k")});
  CHECK(again[0].duplicate);
  CHECK(again[0].id == "x");
  CHECK(again[0].state == JobState::ready);
  CHECK(f.queue.job("y").state == JobState::unknown);
  CHECK(f.queue.job("x").unique == "k");
  f.check();
}

TEST_CASE("a duplicate within one call is answered with the state that the first one gets") {
  QueueFixture f;
  NewJob later = keyed("x", "k");
  later.delay = Millis{3600000};
  const auto answers = f.put({later, keyed("x", ""), keyed("y", "k"), keyed("z", "")});
  CHECK_FALSE(answers[0].duplicate);
  CHECK(answers[1].duplicate);
  CHECK(answers[1].state == JobState::delayed);
  CHECK(answers[2].duplicate);
  CHECK(answers[2].id == "x");
  CHECK(answers[2].state == JobState::delayed);
  CHECK_FALSE(answers[3].duplicate);
  f.check();
}

TEST_CASE("a key without an expiry is free when its job completes, dies or is removed") {
  QueueFixture f;
  (void)f.put({keyed("done", "k")});
  const auto claimed = f.claim(kWorker);
  CHECK(f.put({keyed("other", "k")})[0].duplicate);
  (void)f.queue.step(kWorker, {f.settle(claimed[0])}, 0);
  CHECK_FALSE(f.put({keyed("dead", "k")})[0].duplicate);
  (void)f.queue.cancel({"dead"});
  CHECK_FALSE(f.put({keyed("removed", "k")})[0].duplicate);
  (void)f.queue.remove({"removed"});
  CHECK_FALSE(f.put({keyed("last", "k")})[0].duplicate);
  f.check();
}

TEST_CASE("a key with an expiry is held until then, whatever becomes of its job") {
  QueueFixture f;
  (void)f.put({keyed("x", "k", Millis{60000})});
  (void)f.queue.step(kWorker, {f.settle(f.claim(kWorker).at(0))}, 0);
  const auto again = f.put({keyed("y", "k")});
  CHECK(again[0].duplicate);
  CHECK(again[0].id == "x");
  CHECK(again[0].state == JobState::done);
  expire(f, "k");
  CHECK_FALSE(f.put({keyed("z", "k", Millis{60000})})[0].duplicate);
  CHECK(f.put({keyed("z2", "k")})[0].id == "z");
  f.check();
}

TEST_CASE("a key may pass from an expiry to a job that holds it, and back") {
  QueueFixture f;
  (void)f.put({keyed("x", "k", Millis{60000})});
  expire(f, "k");
  CHECK_FALSE(f.put({keyed("y", "k")})[0].duplicate);  // held while y lives
  CHECK(f.put({keyed("z", "k")})[0].id == "y");
  (void)f.queue.remove({"x"});
  CHECK(f.put({keyed("z", "k")})[0].id == "y");
  (void)f.queue.remove({"y"});
  CHECK_FALSE(f.put({keyed("z", "k", Millis{60000})})[0].duplicate);
  f.check();
}

TEST_CASE("a time that is no number is refused: its key would be held for ever") {
  QueueFixture f;
  const redis::Script script("enqueue");
  redis::ScriptCall call;
  call.script = &script;
  for (const std::string& part : script.key_names()) call.keys.push_back(key_name("q", part));
  for (const char* time : {"nan", "NaN", "-nan", "Infinity", "-1", "1e12", "\"1\""}) {
    CAPTURE(time);
    call.args = {"0",
                 "1",
                 "x",
                 "100",
                 "0",
                 "default",
                 std::string("{\"unique\":\"k\",\"unique_ms\":") + time + "}",
                 "\n"};
    CHECK(f.raw.call(call).at(0).text() == "bad");
  }
  CHECK(f.raw.execute({"HLEN", key_name("q", "uniq")}).integer() == 0);
  f.check();
}
