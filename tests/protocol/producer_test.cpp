// The programs of docs/protocol.md against a real Redis: what an ordinary client enqueues is what
// our own reads. One process of the language for all cases.
#include "tests/protocol/driver.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::test;
using nlohmann::json;
using queue::JobState;

namespace {

Driver& driver() {
  static Driver shared(shared_redis().socket());
  return shared;
}

json job(const std::string& id, const std::string& payload = "p", json more = json::object()) {
  more["id"] = id;
  more["payload_hex"] = to_hex(payload);
  return more;
}

json held_by(const std::string& state, const std::string& id) {
  return {{"states", json::array({json::array({state, id})})}};
}

json refused(const std::vector<json>& reply) {
  return {{"refused", reply}};
}

json states(const std::vector<std::string>& words) {
  return {{"states", words}};
}

}  // namespace

TEST_CASE("one job: every byte, the type, and a repeat of it") {
  QueueFixture f;
  std::string bytes = "\n{\"not\":\"the header\"}\n";
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  const std::vector<json> jobs{job("a", bytes, {{"type", "thumbnail"}})};
  CHECK(driver().enqueue(jobs) == states({"new"}));
  CHECK(driver().enqueue(jobs) == states({"ready"}));
  const auto claimed = f.claim("w/1");
  REQUIRE(claimed.size() == 1);
  CHECK(claimed[0].id == "a");
  CHECK(claimed[0].type == "thumbnail");
  CHECK(claimed[0].payload == bytes);
  CHECK(claimed[0].priority == 100);
  CHECK(driver().enqueue(jobs) == states({"active"}));
  (void)f.queue.step("w/1", {f.settle(claimed[0])}, 0);
  CHECK(driver().enqueue(jobs) == states({"done"}));
  f.check();
}

TEST_CASE("a batch: in order, by priority, delayed, and duplicates within") {
  QueueFixture f;
  std::vector<json> jobs;
  std::vector<std::string> expected;
  for (int i = 0; i < 498; ++i) {
    jobs.push_back(job("j" + std::to_string(i), std::to_string(i)));
    expected.emplace_back("new");
  }
  jobs.push_back(job("first", "", {{"priority", 255}}));
  jobs.push_back(job("later", "", {{"delay_ms", 3600000}}));
  expected.insert(expected.end(), {"new", "new"});
  CHECK(driver().enqueue(jobs) == states(expected));
  const auto counts = f.queue.counts();
  CHECK(counts.waiting == 499);
  CHECK(counts.delayed == 1);
  const auto due = f.queue.job("later").due - counts.now;
  CHECK(due > Millis{3590000});
  CHECK(due <= Millis{3600000});
  const auto claimed = f.claim("w/1", 500);
  REQUIRE(claimed.size() == 499);
  CHECK(claimed[0].id == "first");
  CHECK(claimed[0].payload.empty());
  CHECK(claimed[0].type == "default");
  for (std::size_t i = 1; i < claimed.size(); ++i) {
    CHECK(claimed[i].payload == std::to_string(i - 1));
  }
  jobs.push_back(job("one too many"));
  const json bad = driver().enqueue(jobs);
  CHECK(bad["refused"][0] == "bad");
  CHECK(bad["refused"][1] == 0);
  f.check();
}

TEST_CASE("unique keys, sessions and chains reach the queue") {
  QueueFixture f;
  CHECK(driver().enqueue({job("a", "p", {{"unique", "k"}})}) == states({"new"}));
  CHECK(driver().enqueue({job("b", "p", {{"unique", "k"}})}) == held_by("ready", "a"));
  CHECK(driver().enqueue({job("c", "p", {{"unique", "l"}, {"unique_ms", 60000}})}) ==
        states({"new"}));
  const json steps = json::array({{{"id", "s2"}, {"type", "t2"}, {"payload", "second"}}});
  CHECK(driver().enqueue(
            {job("s1", "p", {{"session", "cart"}, {"timeout_ms", 30000}, {"chain", steps}})}) ==
        states({"new"}));
  const auto claimed = f.claim("w/1", 3);
  REQUIRE(claimed.size() == 3);
  CHECK(claimed[2].session == "cart");
  CHECK(claimed[2].session_document == "{}");
  REQUIRE(claimed[2].chain.size() == 1);
  CHECK(claimed[2].chain[0].id == "s2");
  CHECK(claimed[2].chain[0].type == "t2");
  CHECK(claimed[2].chain[0].payload == "second");
  CHECK(claimed[2].timeout == Millis{30'000});
  (void)f.queue.step("w/1", {f.settle(claimed[0]), f.settle(claimed[1])}, 0);
  // The first key went with its job, the second stays for its time.
  CHECK(driver().enqueue({job("d", "p", {{"unique", "k"}})}) == states({"new"}));
  CHECK(driver().enqueue({job("e", "p", {{"unique", "l"}})}) == held_by("done", "c"));
  f.check();
}

TEST_CASE("refusals: full with a hint, nopool, toobig, bad, maxmemory; force") {
  QueueFixture f(Fields{{"max_depth", "2"}, {"max_payload", "10"}});
  CHECK(driver().enqueue({job("a"), job("b")}) == states({"new", "new"}));
  const json full = driver().enqueue({job("c")})["refused"];
  REQUIRE(full.size() == 3);
  CHECK(full[0] == "full");
  CHECK(full[1] >= 1000);
  CHECK(full[2] == "depth");
  CHECK(driver().enqueue({job("c", "12345678901")}) == refused({"toobig", 1, 11, 10}));
  const json bad = driver().enqueue({job("fine"), job("no/slash")})["refused"];
  CHECK(bad[0] == "bad");
  CHECK(bad[1] == 2);
  CHECK(driver().enqueue({job("c")}, false, "nobody") == refused({"nopool"}));
  CHECK(driver().enqueue({job("c")}, true, "nobody") == states({"new"}));
  f.set("max_depth", "0");
  f.set("format", "2");
  CHECK(driver().enqueue({job("c")}) == refused({"format", 2}));
  f.set("format", "1");
  (void)f.raw.execute({"CONFIG", "SET", "maxmemory", "1"});
  const json memory = driver().enqueue({job("c")});
  (void)f.raw.execute({"CONFIG", "SET", "maxmemory", "0"});
  CHECK(memory["error"].get<std::string>().find("maxmemory") != std::string::npos);
  CHECK(f.queue.counts().waiting == 2);
  f.check();
}

TEST_CASE("a Redis that forgot its scripts is told them again") {
  QueueFixture f;
  CHECK(driver().enqueue({job("a")}) == states({"new"}));
  (void)f.raw.execute({"SCRIPT", "FLUSH"});
  CHECK(driver().enqueue({job("b")}) == states({"new"}));
  CHECK(driver().enqueue({job("b")}) == states({"ready"}));
}
