// queue show, queue check, workers list, jobs show: as a user runs them, on a real Redis.
#include <cmath>
#include <doctest/doctest.h>
#include <sstream>

#include "tests/ctl/fixture.h"

using namespace wp;
using namespace wp::test;

namespace {

// The line that begins with this word, its blanks run together.
std::string line_of(const std::string& text, const std::string& first) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(first)) continue;
    std::istringstream words(line);
    std::string joined;
    for (std::string word; words >> word;) joined += (joined.empty() ? "" : " ") + word;
    return joined;
  }
  return "no line begins with " + first + " in:\n" + text;
}

}  // namespace

TEST_CASE("queue show: counts and shares that sum to 100.0, and the facts") {
  CtlFixture f(Fields{{"max_attempts", "1"}});
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) f.put(id);
  const auto claimed = f.claim("w/1", 3);
  (void)f.queue.step("w/1",
                     {f.settle(claimed[0]), f.settle(claimed[1], queue::Outcome::fail, "no")}, 0);

  const Ran ran = f.ctl({"queue", "show", "q"});
  CHECK(ran.exit == 0);
  CHECK(ran.out.starts_with("queue q at " + f.url() + ", database 0\n"));
  CHECK(line_of(ran.out, "waiting") == "waiting 3 50.0");
  CHECK(line_of(ran.out, "active") == "active 1 16.7");
  CHECK(line_of(ran.out, "paused") == "paused no");
  CHECK(line_of(ran.out, "owner") == "owner pool-uid");
  CHECK(line_of(ran.out, "config hash") == "config hash hash");
  CHECK(line_of(ran.out, "next due") == "next due in -");
  CHECK(line_of(ran.out, "enqueued") == "enqueued 6");
  CHECK(line_of(ran.out, "default") == "default 3");

  const auto document = f.json({"queue", "show", "-q", "q"});
  double sum = 0;
  std::int64_t jobs = 0;
  for (const auto& state : document["states"]) {
    sum += state["share"].get<double>();
    jobs += state["jobs"].get<std::int64_t>();
  }
  CHECK(std::llround(sum * 10) == 1000);
  CHECK(jobs == 6);
  CHECK(document["states"]["dead"]["jobs"] == 1);
  CHECK(document["counters"]["enqueued"] == 6);
  CHECK(document["types"]["default"] == 3);
  CHECK(document["config"]["owner"] == "pool-uid");
  CHECK(document["oldest_wait_ms"].is_number());
  CHECK(holds(f.ctl({"queue", "show", "q", "-o", "yaml"}).out, "\n  waiting:\n    jobs: 3\n"));
}

TEST_CASE("queue show: an empty queue has dashes, an unknown one exit 4 and near names") {
  CtlFixture f;
  const Ran ran = f.ctl({"queue", "show", "q"});
  CHECK(ran.exit == 0);
  CHECK(line_of(ran.out, "waiting") == "waiting 0 -");
  CHECK(line_of(ran.out, "oldest wait") == "oldest wait -");
  CHECK(f.json({"queue", "show", "q"})["states"]["waiting"]["share"].is_null());
  for (const std::vector<std::string>& words : {std::vector<std::string>{"queue", "show", "qq"},
                                                {"queue", "check", "qq"},
                                                {"workers", "list", "qq"},
                                                {"jobs", "show", "qq", "a"}}) {
    const Ran unknown = f.ctl(words);
    CHECK(unknown.exit == 4);
    CHECK(unknown.out.empty());
    CHECK(holds(unknown.err, "queues there: q\n"));
  }
}

TEST_CASE("queue show: jobs of a queue without configuration are shown all the same") {
  CtlFixture f;
  CHECK(f.ctl({"enqueue", "t", "-q", "bare", "--force"}).exit == 0);
  const Ran ran = f.ctl({"queue", "show", "bare"});
  CHECK(ran.exit == 0);
  CHECK(line_of(ran.out, "owner") == "owner -");
}

TEST_CASE("queue check: clean is 0, a violation is 1 and named") {
  CtlFixture f;
  f.put("a");
  const Ran clean = f.ctl({"queue", "check", "q"});
  CHECK(clean.exit == 0);
  CHECK(holds(clean.out, "every invariant holds"));
  CHECK(f.json({"queue", "check", "q"})["violations"].empty());
  (void)f.raw.execute({"ZADD", queue::key_name("q", "dead"), "1", "ghost"});
  const Ran broken = run_ctl({"queue", "check", "q"}, {}, f.environment());
  CHECK(broken.exit == 1);
  CHECK(holds(broken.out, "ghost"));
  const Ran json = run_ctl({"queue", "check", "q", "-o", "json"}, {}, f.environment());
  CHECK(json.exit == 1);
  CHECK_FALSE(nlohmann::json::parse(json.out)["violations"].empty());
}

TEST_CASE("workers list: what each runs and has done; silent ones are dashes") {
  CtlFixture f;
  f.put("job-1");
  (void)f.claim("pod-a/1", 1);
  (void)f.queue.beat("pod-a/1", {}, {},
                     R"({"pod":"pod-a","slots":4,"running":[{"id":"job-1","started_ms":1}],)"
                     R"("executed":3,"failed":1,"uptime_s":61,"rss":5242880,"version":"0.1.0"})",
                     false);
  (void)f.queue.beat("pod-b/1", {}, {}, "not JSON", false);
  const Ran ran = f.ctl({"workers", "list", "q"});
  CHECK(ran.exit == 0);
  CHECK(line_of(ran.out, "WORKER") ==
        "WORKER STATE SLOTS BUSY JOBS EXECUTED FAILED SHARE % RSS BEAT UPTIME VERSION");
  const std::string busy = line_of(ran.out, "pod-a ");
  CHECK(holds(busy, "pod-a serving 4 1 job-1 3 1 100.0 5.0Mi "));
  CHECK(holds(busy, " 1m01s 0.1.0"));
  CHECK(holds(line_of(ran.out, "pod-b/1"), "pod-b/1 serving - 0 - - - - - "));

  const auto document = f.json({"workers", "list", "-q", "q"});
  REQUIRE(document["workers"].size() == 2);
  CHECK(document["workers"][0]["running"] == nlohmann::json::array({"job-1"}));
  CHECK(document["workers"][1]["slots"].is_null());
}

TEST_CASE("workers list: pods by their names, and ids where they are asked for") {
  CtlFixture f;
  (void)f.queue.beat("8f2c-1a/77", {}, {}, R"({"pod":"images-worker-x2x","node":"n1"})", false);
  const Ran short_list = f.ctl({"workers", "list", "q"});
  CHECK(holds(short_list.out, "images-worker-x2x"));
  CHECK(short_list.out.find("8f2c-1a/77") == std::string::npos);
  const Ran wide = f.ctl({"workers", "list", "q", "--wide"});
  CHECK(line_of(wide.out, "WORKER").ends_with(" VERSION NODE ID"));
  CHECK(line_of(wide.out, "images-worker-x2x").ends_with(" n1 8f2c-1a/77"));
  CHECK(f.json({"workers", "list", "q"})["workers"][0]["worker"] == "8f2c-1a/77");
}

TEST_CASE("a broken handler is told with its reason, where people look for it") {
  CtlFixture f;
  f.put("job-1");
  (void)f.queue.beat("w/1", {}, {}, R"({"broken":true,"trouble":"no such\nprogram"})", false);
  (void)f.queue.beat("w/2", {}, {}, R"({"broken":false,"trouble":"of old"})", false);
  const std::string text = "the handler of 1 of 2 workers cannot run: no such\\nprogram";
  CHECK(holds(f.ctl({"workers", "list", "q"}).out, text + "\n"));
  CHECK(line_of(f.ctl({"queue", "show", "q"}).out, "broken") == "broken " + text);
  // A worker that is well takes the job.
  CHECK(f.json({"jobs", "show", "q", "job-1"})["held_up"].is_null());
  CHECK(f.json({"workers", "list", "q"})["workers"][0]["trouble"] == "no such\nprogram");
  CHECK(f.json({"workers", "list", "q"})["workers"][1]["trouble"].is_null());
  CHECK(f.json({"queue", "show", "q"})["broken"] == text);
  (void)f.queue.beat("w/2", {}, {}, R"({"broken":true})", false);
  const std::string all = "the handler of 2 of 2 workers cannot run: no such\\nprogram";
  CHECK(line_of(f.ctl({"jobs", "show", "q", "job-1"}).out, "held up") == "held up " + all);
  CHECK(f.json({"jobs", "show", "q", "job-1"})["held_up"] == all);
  (void)f.queue.beat("w/2", {}, {}, R"({"broken":false})", false);
  (void)f.claim("w/2", 1);
  CHECK(f.json({"jobs", "show", "q", "job-1"})["held_up"].is_null());
  (void)f.queue.beat("w/1", {}, {}, R"({"broken":false})", false);
  CHECK(f.json({"queue", "show", "q"})["broken"].is_null());
}

TEST_CASE("queue list: every queue of the database, without a name") {
  CtlFixture f;
  (void)queue::Queue(f.raw, "a/b").write_config({}, "h", "uid@a/b", 1);
  f.put("job-1");
  const Ran ran = f.ctl({"queue", "list"});
  CHECK(ran.exit == 0);
  CHECK(line_of(ran.out, "QUEUE") ==
        "QUEUE WAITING DELAYED ACTIVE DEAD WORKERS OLDEST WAIT PAUSED OWNER");
  CHECK(line_of(ran.out, "a/b") == "a/b 0 0 0 0 0 - no uid@a/b");
  CHECK(line_of(ran.out, "q").starts_with("q 1 0 0 0 0 "));
  const auto document = f.json({"queue", "list"});
  CHECK(document["complete"] == true);
  REQUIRE(document["queues"].size() == 2);
  CHECK(document["queues"][0]["queue"] == "a/b");
  CHECK(document["queues"][1]["waiting"] == 1);
  (void)f.raw.execute({"FLUSHALL"});
  CHECK(holds(f.ctl({"queue", "list"}).out, "no queue was found at "));
}

TEST_CASE("queue list: a queue that this user may not look into is named all the same") {
  const RedisServer redis({"user one on >pw ~wp:{mine}:* &* +@all"});
  redis::Connection connection(redis.endpoint());
  connection.connect();
  for (const char* name : {"mine", "other"}) {
    (void)queue::Queue(connection, name).write_config({}, "h", "o", 1);
  }
  const Ran ran = run_ctl({"queue", "list", "--redis-username", "one"}, {},
                          {{"WP_REDIS_URL", redis.url()}, {"WP_REDIS_PASSWORD", "pw"}});
  CHECK(ran.exit == 0);
  CHECK(line_of(ran.out, "mine").starts_with("mine 0 0 0 "));
  CHECK(line_of(ran.out, "other") == "other - - - - - - - -");
}

TEST_CASE("workers list: nobody is no error") {
  CtlFixture f;
  const Ran ran = f.ctl({"workers", "list", "q"});
  CHECK(ran.exit == 0);
  CHECK(holds(ran.out, "no worker beats on queue q"));
  CHECK(f.json({"workers", "list", "q"})["workers"].empty());
}

TEST_CASE("jobs show: a job's whole life") {
  CtlFixture f;
  CHECK(f.ctl({"enqueue", "thumb", "-q", "q", "--id", "a", "--payload", "{\"x\":1}\n"}).exit == 0);
  auto ran = f.ctl({"jobs", "show", "q", "a"});
  CHECK(ran.exit == 0);
  CHECK(line_of(ran.out, "state") == "state ready");
  CHECK(line_of(ran.out, "type") == "type thumb");
  CHECK(line_of(ran.out, "payload") == "payload {\"x\":1}\\n");
  CHECK(line_of(ran.out, "worker") == "worker -");

  auto job = f.claim("w/1").front();
  ran = f.ctl({"jobs", "show", "a", "-q", "q"});
  CHECK(line_of(ran.out, "state") == "state active");
  CHECK(line_of(ran.out, "worker") == "worker w/1");
  CHECK(line_of(ran.out, "epoch") == "epoch " + std::to_string(job.epoch));
  CHECK_FALSE(line_of(ran.out, "lease until").ends_with(" -"));

  (void)f.queue.step("w/1", {f.settle(job, queue::Outcome::fail, "disk\nfull")}, 0);
  job = f.claim("w/2").front();
  (void)f.queue.step("w/2", {f.settle(job, queue::Outcome::complete, "{\"ok\":true}")}, 0);
  ran = f.ctl({"jobs", "show", "q", "a"});
  CHECK(line_of(ran.out, "state") == "state done");
  CHECK(line_of(ran.out, "failures") == "failures 1");
  CHECK(line_of(ran.out, "result") == "result {\"ok\":true}");
  CHECK(holds(ran.out, "disk\\nfull"));

  const auto document = f.json({"jobs", "show", "q", "a"});
  CHECK(document["id"] == "a");
  CHECK(document["state"] == "done");
  CHECK(document["result"]["ok"] == true);
  CHECK(document["history"][0]["error"] == "disk\nfull");
  CHECK(document["finished"].is_string());
  CHECK(document["lease_until"].is_null());
}

TEST_CASE("jobs show: bytes that are no text, and long ones") {
  CtlFixture f;
  queue::NewJob binary;
  binary.id = "b";
  binary.payload = std::string("\x00\xff", 2);
  queue::NewJob large;
  large.id = "l";
  large.payload = std::string(5000, 'x');
  (void)f.QueueFixture::put({binary, large});
  CHECK(holds(f.ctl({"jobs", "show", "q", "b"}).out, "\\x00\\xff"));
  CHECK(f.json({"jobs", "show", "q", "b"})["payload_hex"] == "00ff");
  CHECK(holds(f.ctl({"jobs", "show", "q", "l"}).out, "xxx... (5000 bytes; -o json shows all)"));
  CHECK(f.json({"jobs", "show", "q", "l"})["payload"] == large.payload);
}

TEST_CASE("jobs show: unknown is 4, no id is 2") {
  CtlFixture f;
  const Ran unknown = f.ctl({"jobs", "show", "q", "nope"});
  CHECK(unknown.exit == 4);
  CHECK(holds(unknown.err, "no job nope in queue q"));
  CHECK(f.ctl({"jobs", "show", "-q", "q"}).exit == 2);
  CHECK(f.ctl({"jobs", "show", "a"}).exit == 2);
}

TEST_CASE("help lists verbs and exit codes; nothing is a usage error") {
  const Ran help = run_ctl({"--help"});
  CHECK(help.exit == 0);
  for (const char* part : {"enqueue", "queue", "workers", "jobs", "WP_REDIS_URL", "WP_QUEUE",
                           "  69  ", "  75  ", "   4  ", " 130  "}) {
    CHECK(holds(help.out, part));
  }
  CHECK(run_ctl({}).exit == 2);
  CHECK(run_ctl({"queue"}).exit == 2);
  CHECK(run_ctl({"queue", "shwo", "q"}).exit == 2);
}
