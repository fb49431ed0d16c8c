// What a person does with jobs, queues and workers: as a user runs it, on a real Redis.
#include <doctest/doctest.h>

#include "tests/ctl/fixture.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

TEST_CASE("jobs list: by state, with totals, in pages") {
  CtlFixture f(Fields{{"max_attempts", "1"}});
  for (const char* id : {"a", "b", "c", "d"}) f.put(id);
  const auto claimed = f.claim("w/1", 2);
  (void)f.queue.step("w/1", {f.settle(claimed[0], queue::Outcome::fail, "it broke")}, 0);
  CHECK(f.ctl({"enqueue", "t", "-q", "q", "--id", "later", "--delay", "1h"}).exit == 0);

  const Ran all = f.ctl({"jobs", "list", "q"});
  CHECK(all.exit == 0);
  for (const char* part : {"JOB", "it broke", "w/1", "due in ", "lease ", "later"}) {
    CHECK(holds(all.out, part));
  }
  const auto dead = f.json({"jobs", "list", "-q", "q", "--state", "dead"});
  CHECK(dead["totals"] == nlohmann::json{{"dead", 1}});
  CHECK(dead["jobs"][0]["id"] == "a");
  CHECK(dead["jobs"][0]["error"] == "it broke");
  const auto page = f.json({"jobs", "list", "q", "--state", "waiting", "--limit", "1"});
  CHECK(page["totals"]["ready"] == 2);
  CHECK(page["jobs"].size() == 1);
  CHECK(holds(f.ctl({"jobs", "list", "q", "--limit", "1"}).out, "not shown: 1 ready"));
  CHECK(holds(f.ctl({"jobs", "list", "q", "--state", "alone"}).out, "no such jobs in queue q"));
  CHECK(f.ctl({"jobs", "list", "nobody"}).exit == 4);
}

TEST_CASE("jobs cancel, redrive, promote, reprioritise, remove: found and changed, each told") {
  CtlFixture f;
  for (const char* id : {"a", "b", "run"}) f.put(id);
  (void)f.claim("w/1", 1);  // "a"
  const Ran cancelled = f.ctl({"jobs", "cancel", "q", "a", "b"});
  CHECK(cancelled.exit == 0);
  CHECK(holds(cancelled.out, "its worker is told"));
  CHECK(f.queue.job("a").cancelled);
  CHECK(f.queue.job("b").state == JobState::dead);

  const auto again = f.json({"jobs", "cancel", "-q", "q", "b", "ghost"}, 4);
  CHECK(again["changed"] == 0);
  CHECK(again["jobs"][0]["state"] == "dead");
  CHECK(again["jobs"][1]["state"] == "unknown");
  const Ran left = f.ctl({"jobs", "promote", "q", "b"});
  CHECK(left.exit == 1);
  CHECK(holds(left.err, "1 of 1 jobs were not promoted"));

  CHECK(f.ctl({"jobs", "redrive", "q", "b"}).exit == 0);
  CHECK(f.queue.job("b").state == JobState::ready);
  CHECK(f.ctl({"jobs", "reprioritise", "q", "b", "--priority", "200"}).exit == 0);
  CHECK(f.queue.job("b").priority == 200);
  CHECK(holds(f.ctl({"jobs", "remove", "q", "a"}).out, "left: cancel it first"));
  CHECK(f.ctl({"jobs", "remove", "q", "b"}).exit == 0);
  CHECK(f.queue.job("b").state == JobState::unknown);
  f.check();
}

TEST_CASE("jobs redrive --all: page by page, those that are dead now") {
  CtlFixture f;
  std::vector<queue::NewJob> jobs(2300);
  (void)f.queue.enqueue(jobs);
  for (std::size_t from = 0; from < jobs.size(); from += 1000) {
    std::vector<std::string> ids;
    for (std::size_t i = from; i < std::min(jobs.size(), from + 1000); ++i) {
      ids.push_back(jobs[i].id);
    }
    (void)f.queue.cancel(ids);
  }
  CHECK(f.queue.counts().dead == 2300);
  CHECK(f.json({"jobs", "redrive", "q", "--all"})["changed"] == 2300);
  CHECK(f.queue.counts().dead == 0);
  CHECK(f.waiting() == 2300);
  CHECK(holds(f.ctl({"jobs", "redrive", "q", "--all"}).out, "redriven 0 of 0"));
}

TEST_CASE("wrong words: one line with the way on, exit 2") {
  CtlFixture f;
  struct Row {
    std::vector<std::string> words;
    const char* part;
  };
  for (const Row& row :
       {Row{{"jobs", "cancel", "q"}, "ID: is missing; jobs cancel QUEUE ID..."},
        Row{{"jobs", "redrive", "q"}, "or --all"},
        Row{{"jobs", "redrive", "q", "a", "--all"}, "one too many"},
        Row{{"jobs", "reprioritise", "q", "a"}, "priority: is missing"},
        Row{{"jobs", "cancel"}, "queue: is missing"},
        Row{{"queue", "purge", "q"}, "state: is missing"},
        Row{{"workers", "drain", "q"}, "WORKER: is missing"},
        Row{{"queu", "show", "q"}, "no command queu; there are enqueue, queue, "},
        Row{{"queue", "shwo", "q"}, "queue: no command shwo; there are list, show, "},
        Row{{"queue"}, "queue: a command is required: list, show, "},
        Row{{"protocol", "script", "enque"}, "no script enque; there are enqueue, "}}) {
    const Ran ran = f.ctl(row.words);
    CHECK(ran.exit == 2);
    CHECK(ran.out.empty());
    CHECK(holds(ran.err, row.part));
  }
}

TEST_CASE("queue pause, resume: claims stand still, and others see who did it") {
  CtlFixture f;
  f.put("a");
  CHECK(f.ctl({"queue", "pause", "q", "--by", "alice"}).exit == 0);
  CHECK(f.claim("w/1").empty());
  CHECK(holds(f.ctl({"queue", "show", "q"}).out, "by alice"));
  CHECK(f.json({"queue", "pause", "q", "--by", "bob"})["before"] == "alice");
  CHECK(f.json({"queue", "resume", "q"})["before"] == "bob");
  CHECK(f.claim("w/1").size() == 1);
  CHECK(holds(f.ctl({"queue", "resume", "q"}).out, "no person had paused it"));
  f.set("paused", "1");
  CHECK(holds(f.ctl({"queue", "resume", "q"}).out, "its pool's spec pauses it still"));
}

TEST_CASE("queue purge: one state, the rest stays") {
  CtlFixture f;
  for (const char* id : {"a", "b", "c"}) f.put(id);
  (void)f.queue.cancel({"c"});
  CHECK(holds(f.ctl({"queue", "purge", "q", "--state", "waiting"}).out,
              "dropped 2 waiting jobs, 0 left"));
  CHECK(f.queue.counts().dead == 1);
  CHECK(f.json({"queue", "purge", "q", "--state", "dead"})["dropped"] == 1);
  CHECK(f.queue.counts().dead == 0);
  f.check();
}

TEST_CASE("workers drain: by worker or pod; undrain lets them claim again") {
  CtlFixture f;
  for (const char* id : {"a", "b", "c"}) f.put(id);
  (void)f.claim("uid-1/x", 1);
  (void)f.queue.beat("uid-2/y", {}, {}, R"({"pod":"pool-abc"})", false);
  const Ran drained = f.ctl({"workers", "drain", "q", "uid-1/x", "pool-abc"});
  CHECK(drained.exit == 0);
  CHECK(holds(drained.out, "draining"));
  CHECK(holds(drained.out, "drained"));
  CHECK(f.claim("uid-1/x").empty());
  CHECK(f.claim("uid-2/y").empty());
  CHECK(f.queue.counts().retired.at(0).by == queue::RetiredBy::person);
  CHECK(f.json({"workers", "undrain", "-q", "q", "uid-1", "uid-2"})["undrained"] == 2);
  CHECK(f.claim("uid-2/y").size() == 1);
  const Ran unknown = f.ctl({"workers", "drain", "q", "uid-9"});
  CHECK(unknown.exit == 4);
  CHECK(holds(unknown.err, "no worker or pod uid-9 in queue q"));
  CHECK(holds(unknown.err, "workers there: uid-1/x"));
}

TEST_CASE("enqueue: unique keys, sessions, chains and replicas") {
  CtlFixture f;
  const auto first = f.json({"enqueue", "t", "-q", "q", "--unique", "k", "--unique-for", "1h"});
  const auto second = f.json({"enqueue", "t", "-q", "q", "--unique", "k"});
  CHECK(second["duplicates"] == 1);
  CHECK(second["id"] == first["id"]);
  const std::string chain = R"([{"type":"resize","payload":{"n": 1.50}},{"id":"end"}])";
  const TempFolder folder;
  const std::string file = folder.file("chain.json", chain);
  for (const std::string& given : {chain, file}) {
    CHECK(f.ctl({"enqueue", "t", "-q", "q", "--session", "s", "--chain", given}).exit == 0);
  }
  const auto claimed = f.claim("w/1", 3);
  REQUIRE(claimed.size() == 3);
  for (std::size_t i = 1; i < 3; ++i) {
    CHECK(claimed[i].session == "s");
    REQUIRE(claimed[i].chain.size() == 2);
    CHECK(claimed[i].chain[0].type == "resize");
    CHECK(claimed[i].chain[0].payload == R"({"n":1.50})");
    CHECK(claimed[i].chain[1].id == "end");
  }
  const Ran alone = f.ctl({"enqueue", "t", "-q", "q", "--wait-replicas", "1", "--wait-ms", "1"});
  CHECK(alone.exit == 74);
  CHECK(holds(alone.out, "accepted 1, duplicates 0; on 0 replicas"));
  CHECK(holds(alone.err, "only 0 of 1 replicas"));

  const std::string batch =
      folder.file("batch.jsonl",
                  R"({"unique":"l","unique_for":"1h","session":"t","chain":[{"payload":[1, 2]}]})");
  CHECK(f.ctl({"enqueue", "-q", "q", "--batch", batch}).exit == 0);
  const auto line = f.claim("w/2");
  const auto last = f.claim("w/2");
  REQUIRE(last.size() == 1);
  CHECK(last[0].session == "t");
  CHECK(last[0].chain.at(0).payload == "[1,2]");
  for (const char* bad : {"[{\"delay\":\"1s\"}]", "[1]", "{}", "[{\"priority\":300}]"}) {
    CHECK(f.ctl({"enqueue", "t", "-q", "q", "--chain", bad}).exit != 0);
  }
  CHECK(f.ctl({"enqueue", "t", "-q", "q", "--unique-for", "1h"}).exit == 2);
  f.check();
}

TEST_CASE("protocol script: the text, and its SHA-1") {
  CtlFixture f;
  const Ran text = f.ctl({"protocol", "script", "enqueue"});
  const Ran sha1 = f.ctl({"protocol", "script", "enqueue", "--sha1"});
  CHECK(text.exit == 0);
  CHECK(sha1.out.size() == 41);
  CHECK(f.raw.execute({"SCRIPT", "LOAD", text.out}).text() + "\n" == sha1.out);
  CHECK(holds(text.err, sha1.out.substr(0, 40)));
}
