// `workerpoolctl enqueue` as a user runs it, on a real Redis.
#include <csignal>
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/ctl/cutting_proxy.h"
#include "tests/ctl/fixture.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::test;

TEST_CASE("one job: its id, what became of it, and where it went") {
  CtlFixture f;
  const Ran ran = f.ctl({"enqueue", "thumb", "-q", "q", "--id", "a", "--payload", "{\"x\": [1]}",
                         "--priority", "200"});
  CHECK(ran.exit == 0);
  CHECK(ran.out == "a ready: accepted 1, duplicates 0; queue q at " + f.url() + ", database 0\n");
  CHECK(ran.err.empty());
  const auto job = f.queue.job("a");
  CHECK(job.type == "thumb");
  CHECK(job.payload == "{\"x\": [1]}");
  CHECK(job.priority == 200);

  const Ran again = f.ctl({"enqueue", "thumb", "--queue", "q", "--id", "a"});
  CHECK(again.exit == 0);
  CHECK(holds(again.out, "accepted 0, duplicates 1"));

  const auto made = f.json({"enqueue", "mail", "-q", "q", "--delay", "5m"});
  CHECK(made["state"] == "delayed");
  CHECK(made["accepted"] == 1);
  CHECK(made["queue"] == "q");
  CHECK(made["redis"] == f.url());
  CHECK(made["database"] == 0);
  CHECK(f.queue.job(made["id"]).state == queue::JobState::delayed);
  f.check();
}

TEST_CASE("--timeout: the job's own, a batch's default, and each step's") {
  CtlFixture f;
  const TempFolder folder;
  CHECK(f.ctl({"enqueue", "t", "-q", "q", "--id", "a", "--timeout", "30s", "--chain",
               R"([{"id":"b","timeout":"5s"},{"id":"c"}])"})
            .exit == 0);
  CHECK(f.ctl({"enqueue", "-q", "q", "--timeout", "2m", "--batch",
               folder.file("b", "{\"id\":\"d\"}\n{\"id\":\"e\",\"timeout\":\"1ms\"}\n")})
            .exit == 0);
  const auto claimed = f.claim("w/1", 3);
  REQUIRE(claimed.size() == 3);
  CHECK(claimed[0].timeout == Millis{30'000});
  REQUIRE(claimed[0].chain.size() == 2);
  CHECK(claimed[0].chain[0].timeout == Millis{5000});
  CHECK(claimed[0].chain[1].timeout == Millis{0});
  CHECK(claimed[1].timeout == Millis{120'000});
  CHECK(claimed[2].timeout == Millis{1});
  CHECK(f.json({"jobs", "show", "q", "a"})["timeout_ms"] == 30'000);
  for (const char* bad : {"30", "-1s", "721h"}) {
    CHECK(f.ctl({"enqueue", "t", "-q", "q", "--timeout", bad}).exit == 2);
  }
  const Ran ran = f.ctl({"enqueue", "t", "-q", "q", "--chain", R"([{"timeout":"721h"}])"});
  CHECK(ran.exit == 2);
  CHECK(holds(ran.err, "chain: step 1: timeout"));
  CHECK(f.waiting() == 0);
}

TEST_CASE("jobs.schema: a payload that breaks it is refused in one line, and nothing is sent") {
  CtlFixture f(Fields{{"schema", R"({"type":"object","required":["file"],
      "properties":{"width":{"type":"integer"}}})"}});
  const TempFolder folder;
  const auto put = [&](const std::string& payload) {
    return f.ctl({"enqueue", "t", "-q", "q", "--payload", payload});
  };
  const Ran ran = put(R"({"file":"a","width":12.5})");
  CHECK(ran.exit == 2);
  CHECK(ran.out.empty());
  CHECK(ran.err ==
        "workerpoolctl: /width: 12.5 is not allowed: an integer; so says jobs.schema of "
        "queue q\n");
  CHECK(holds(put("").err, "payload: is no JSON: it goes wrong at byte"));
  CHECK(holds(put(R"({"width":1})").err, "/file: is missing"));
  CHECK(f.ctl({"enqueue", "t", "-q", "q", "--force", "--payload", "[]"}).exit == 2);

  const Ran chain = f.ctl({"enqueue", "t", "-q", "q", "--payload", R"({"file":"a"})", "--chain",
                           R"([{"payload":{"file":"b"}},{"payload":{"file":"c","width":"x"}}])"});
  CHECK(chain.exit == 2);
  CHECK(holds(chain.err, "chain: step 2: /width: \"x\" is not allowed: an integer; so says"));

  const std::string good = "{\"payload\":{\"file\":\"a\"}}\n";
  const std::string bad = "{\"payload\":{\"file\":\"a\",\"width\":null}}\n";
  const std::string file = folder.file("b", good + good + bad + good);
  const Ran batch = f.ctl({"enqueue", "-q", "q", "--batch", file});
  CHECK(batch.exit == 2);
  CHECK(holds(batch.err, file + ":3: /width: null is not allowed: an integer; so says"));
  CHECK(holds(batch.err, "; nothing was sent"));
  CHECK(f.waiting() == 0);

  CHECK(put(R"({"file":"a","width":12})").exit == 0);
  CHECK(f.ctl({"enqueue", "-q", "q", "--batch", folder.file("c", good + good)}).exit == 0);
  CHECK(f.waiting() == 3);

  // A schema of a newer version: what it means is not known, so nothing passes unchecked.
  f.set("schema", R"({"multipleOf":2})");
  const Ran newer = put(R"({"file":"a"})");
  CHECK(newer.exit == 1);
  CHECK(holds(newer.err, "this version can't read its jobs.schema: /multipleOf is not supported"));
  CHECK(f.waiting() == 3);
}

TEST_CASE("payloads: text, file, standard input, a text that begins with @; any bytes") {
  CtlFixture f;
  const TempFolder folder;
  const std::string bytes("\0\xff\n@", 4);
  const auto payload = [&](const std::string& words, const std::string& input = {}) {
    const Ran ran = f.ctl({"enqueue", "t", "-q", "q", "-o", "json", "--payload", words}, input);
    REQUIRE(ran.exit == 0);
    return f.queue.job(nlohmann::json::parse(ran.out)["id"]).payload;
  };
  CHECK(payload("plain") == "plain");
  CHECK(payload("[1,2]") == "[1,2]");
  CHECK(payload("") == "");
  CHECK(payload("@" + folder.file("f", bytes)) == bytes);
  CHECK(payload("@-", bytes) == bytes);
  CHECK(payload("@@home") == "@home");
  const Ran none = f.ctl({"enqueue", "t", "-q", "q", "--payload", "@" + folder.path() + "/none"});
  CHECK(none.exit == 1);
  CHECK(holds(none.err, folder.path() + "/none"));
}

TEST_CASE("what is not allowed is refused with the bounds, and nothing is sent") {
  CtlFixture f(Fields{{"max_payload", "10"}});
  const TempFolder folder;
  struct Row {
    std::vector<std::string> words;
    const char* part;
  };
  for (const Row& row :
       {Row{{"enqueue", "a b"}, "type \"a b\""}, Row{{"enqueue", "t", "--id", "a/b"}, "A-Z a-z"},
        Row{{"enqueue", "t", "--priority", "256"}, "from 0 to 255"},
        Row{{"enqueue", "t", "--delay", "5"}, "such as 90s"},
        Row{{"enqueue", "t", "--payload", "12345678901"}, "allowed are 10"},
        Row{{"enqueue"}, "TYPE: is missing"}, Row{{"enqueue", "t", "u"}, "u"},
        Row{{"enqueue", "--batch", "x", "--id", "a"}, "id: belongs in the batch's lines"},
        Row{{"enqueue", "--batch", "x", "--payload", "a"}, "payload: belongs in"},
        Row{{"enqueue", "t", "--from-line", "2"}, "from-line"},
        Row{{"enqueue", "t", "-o", "xml"}, "one of table, json, yaml"}}) {
    auto words = row.words;
    words.insert(words.end(), {"-q", "q"});
    const Ran ran = f.ctl(words);
    CHECK(ran.exit == 2);
    CHECK(holds(ran.err, row.part));
    CHECK(ran.out.empty());
  }
  CHECK(f.ctl({"enqueue", "t"}).exit == 2);
  CHECK(f.ctl({"enqueue", "t", "-q", "a queue"}).exit == 2);
  CHECK(f.waiting() == 0);
}

TEST_CASE("a batch of 1200, then the same once more") {
  CtlFixture f;
  const TempFolder folder;
  const std::string file = folder.file("b.jsonl", CtlFixture::batch(1200, "j"));
  const auto first = f.json({"enqueue", "-q", "q", "--batch", file});
  CHECK(first["accepted"] == 1200);
  CHECK(first["duplicates"] == 0);
  CHECK(first["acknowledged_line"] == 1200);
  const Ran again = f.ctl({"enqueue", "-q", "q", "--batch", file});
  CHECK(again.exit == 0);
  CHECK(again.out == "accepted 0, duplicates 1200; queue q at " + f.url() + ", database 0\n");
  CHECK(f.waiting() == 1200);
  CHECK(f.queue.job("j1199").payload == "{\"n\":1199}");
  f.check();
}

TEST_CASE("a batch: large payloads go in more calls, blank lines are none, flags are defaults") {
  CtlFixture f;
  const TempFolder folder;
  std::string text = "\n{\"id\":\"d\"}\n  \r\n";
  for (int i = 0; i < 5; ++i) {
    text += "{\"type\":\"big\",\"priority\":9,\"payload\":\"" + std::string(600'000, 'x') + "\"}\n";
  }
  const auto ran = f.json({"enqueue", "mail", "-q", "q", "--priority", "7", "--batch",
                           folder.file("b.jsonl", text + "{\"id\":\"last\"}")});
  CHECK(ran["accepted"] == 7);
  CHECK(ran["acknowledged_line"] == 9);
  CHECK(f.queue.job("d").type == "mail");
  CHECK(f.queue.job("d").priority == 7);
  CHECK(f.queue.job("last").type == "mail");
}

TEST_CASE("a bad line of a file: named with what is allowed, and nothing is taken") {
  CtlFixture f;
  const TempFolder folder;
  const std::string file =
      folder.file("b.jsonl", CtlFixture::batch(1100) + "{\"typ\":\"x\"}\n" + CtlFixture::batch(5));
  const Ran ran = f.ctl({"enqueue", "-q", "q", "--batch", file});
  CHECK(ran.exit == 2);
  CHECK(holds(ran.err, file + ":1101: unknown key \"typ\": allowed keys are type, payload, id, "
                              "priority, delay, timeout, unique, unique_for, session, chain; "
                              "nothing was "
                              "sent"));
  CHECK(f.waiting() == 0);

  // As long as it is validated, too, where it comes as standard input.
  const Ran none = f.ctl({"enqueue", "-q", "q", "--batch", folder.path() + "/none"});
  CHECK(none.exit == 1);
  CHECK(holds(none.err, folder.path() + "/none: No such file"));
}

TEST_CASE("a pipe: sent while it is still written; a bad line ends it with what was taken") {
  CtlFixture f;
  Run run({"enqueue", "-q", "q", "--batch", "-"}, f.environment());
  run.write(CtlFixture::batch(3));
  CHECK(eventually([&] { return f.waiting() == 3; }));
  run.write(CtlFixture::batch(2) + "{\"priority\":300}\n" + CtlFixture::batch(4));
  const Ran ran = run.wait();
  CHECK(ran.exit == 2);
  CHECK(holds(ran.err,
              "standard input:6: priority 300: allowed are 0 to 255; 5 jobs were taken "
              "before, up to line 5: go on with --from-line 6"));
  CHECK(holds(ran.out, "accepted 5, duplicates 0"));
  CHECK(f.waiting() == 5);
}

TEST_CASE("a signal ends a batch with the figures to go on with") {
  CtlFixture f;
  Run run({"enqueue", "-q", "q", "--batch", "-"}, f.environment());
  run.write("\n" + CtlFixture::batch(3));
  CHECK(eventually([&] { return f.waiting() == 3; }));
  // The figures follow the answer; a quiet pipe and a second line prove that it has come.
  run.write("{}\n");
  CHECK(eventually([&] { return f.waiting() == 4; }));
  run.signal(SIGINT);
  const Ran ran = run.wait_with_input();
  CHECK(ran.exit == 130);
  CHECK(holds(ran.err, "stopped by a signal"));
  CHECK(holds(ran.err, "jobs were taken before, up to line"));
}

TEST_CASE("FULL: takes what fits, exit 75, the hint, and the way to go on") {
  CtlFixture f(Fields{{"max_depth", "700"}});
  const TempFolder folder;
  const std::string file = folder.file("b.jsonl", CtlFixture::batch(1200));
  const Ran ran = f.ctl({"enqueue", "-q", "q", "--batch", file});
  CHECK(ran.exit == 75);
  CHECK(holds(ran.out, "accepted 700, duplicates 0"));
  CHECK(holds(ran.err, "queue q is full (its maxDepth is reached): try again in "));
  CHECK(holds(ran.err,
              "--wait; 700 jobs were taken before, up to line 700: go on with "
              "--from-line 701"));
  CHECK(f.waiting() == 700);

  const auto one = f.json({"enqueue", "t", "-q", "q"}, 75);
  CHECK(one["accepted"] == 0);
  CHECK(one["retry_after_ms"] >= 1000);

  f.set("max_depth", "0");
  const auto rest = f.json({"enqueue", "-q", "q", "--batch", file, "--from-line", "701"});
  CHECK(rest["accepted"] == 500);
  CHECK(f.waiting() == 1200);
  f.check();
}

TEST_CASE("--wait waits for room and goes on, also with calls larger than the queue") {
  CtlFixture f(Fields{{"max_depth", "30"}});
  const TempFolder folder;
  Run run({"enqueue", "-q", "q", "--wait", "--batch", folder.file("b", CtlFixture::batch(50, "j"))},
          f.environment());
  CHECK(eventually([&] { return f.waiting() == 30; }));
  CHECK(eventually([&] { return run.err_so_far().find("waiting for room") != std::string::npos; }));
  std::vector<queue::Settlement> settlements;
  for (const auto& job : f.claim("w/1", 30)) settlements.push_back(f.settle(job));
  (void)f.queue.step("w/1", settlements, 0);
  const Ran ran = run.wait();
  CHECK(ran.exit == 0);
  CHECK(holds(ran.out, "accepted 50, duplicates 0"));
  CHECK(f.waiting() == 20);
  f.check();
}

TEST_CASE("maxmemory is full, too") {
  CtlFixture f;
  (void)f.raw.execute({"CONFIG", "SET", "maxmemory", "1"});
  const Ran ran = f.ctl({"enqueue", "t", "-q", "q"});
  (void)f.raw.execute({"CONFIG", "SET", "maxmemory", "0"});
  CHECK(ran.exit == 75);
  CHECK(holds(ran.err, "maxmemory"));
}

TEST_CASE("an unknown queue: near names and exit 4; --force enqueues all the same") {
  CtlFixture f;
  for (const char* name : {"mail", "mails", "orders"}) {
    (void)f.raw.execute({"HSET", queue::key_name(name, "cfg"), "hash", "h"});
  }
  const Ran ran = f.ctl({"enqueue", "t", "-q", "mial"});
  CHECK(ran.exit == 4);
  CHECK(holds(ran.err, "no pool or worker serves queue mial at " + f.url() + ", database 0"));
  CHECK(holds(ran.err, "queues there: mail"));
  CHECK(ran.err.find("orders") == std::string::npos);
  (void)f.raw.execute({"HSET", queue::key_name("mails", "cfg"), "owner", "orphaned"});
  CHECK(f.ctl({"enqueue", "t", "-q", "mails"}).exit == 4);
  CHECK(f.ctl({"enqueue", "t", "-q", "mails", "--force"}).exit == 0);
  (void)f.raw.execute({"FLUSHALL"});
  CHECK(holds(f.ctl({"enqueue", "t", "-q", "mial"}).err, "no other queue was found there"));
}

TEST_CASE("a connection cut at any exchange of a batch: every job is there exactly once") {
  const TempFolder folder;
  const std::string file = folder.file("b.jsonl", CtlFixture::batch(1200));
  // The exchanges: the configuration, the script, three calls.
  for (const Cut cut : {Cut::before, Cut::after}) {
    for (int exchange = 2; exchange <= 5; ++exchange) {
      CAPTURE(static_cast<int>(cut));
      CAPTURE(exchange);
      CtlFixture f;
      const CuttingProxy proxy(shared_redis().socket(), cut, exchange);
      const Ran ran = run_ctl({"enqueue", "-q", "q", "--batch", file, "--redis", proxy.url()});
      CHECK(ran.exit == 0);
      CHECK(holds(ran.out, "accepted 1200, duplicates 0;"));
      CHECK(holds(ran.err, "Closed: "));
      CHECK(proxy.connections() == 2);
      CHECK(f.waiting() == 1200);
      f.check();
    }
  }
}

TEST_CASE("given ids and a lost answer: the doubt is told") {
  CtlFixture f;
  const TempFolder folder;
  const std::string file = folder.file("b.jsonl", CtlFixture::batch(600, "j"));
  const CuttingProxy proxy(shared_redis().socket(), Cut::after, 3);
  const Ran ran = run_ctl({"enqueue", "-q", "q", "--batch", file, "--redis", proxy.url()});
  CHECK(ran.exit == 0);
  CHECK(holds(ran.out, "accepted 100, duplicates 500 (500 of them perhaps by a repeated call"));
  CHECK(f.waiting() == 600);
}

TEST_CASE("Redis away, a wrong password, no rights, no Redis: 69, one line, no secrets") {
  CtlFixture f;
  RedisServer guarded({"requirepass secret", "user limited on >pw ~* +ping +auth +select"});
  struct Row {
    std::vector<std::string> words;
    std::map<std::string, std::string> environment;
    const char* part;
  };
  for (const Row& row :
       {Row{{"--redis", "redis://127.0.0.1:1"}, {}, "redis://127.0.0.1:1/0: Refused: Connection"},
        Row{{"--redis", "unix:///nowhere.sock"}, {}, "Refused: No such file"},
        Row{{}, {{"WP_REDIS_URL", guarded.url()}, {"WP_REDIS_PASSWORD", "hush"}}, "Auth: "},
        Row{{"--redis", guarded.url()}, {}, "Auth: "},
        Row{{"--redis", guarded.url(), "--redis-username", "limited", "--redis-password", "pw"},
            {},
            "Permission: "}}) {
    std::vector<std::string> words{"enqueue", "t", "-q", "q"};
    words.insert(words.end(), row.words.begin(), row.words.end());
    const Ran ran = run_ctl(words, {}, row.environment);
    CHECK(ran.exit == 69);
    CHECK(holds(ran.err, row.part));
    CHECK(ran.err.starts_with("workerpoolctl: Redis at "));
    CHECK(ran.err.find('\n') == ran.err.size() - 1);
    CHECK(ran.err.find("hush") == std::string::npos);
  }
  const Ran bad = run_ctl({"enqueue", "t", "-q", "q", "--redis", "redis://u:hush@h:x"});
  CHECK(bad.exit == 2);
  CHECK(bad.err.find("hush") == std::string::npos);
}

TEST_CASE("without --redis, the address that local mode left is used") {
  CtlFixture f;
  const TempFolder folder;
  REQUIRE(mkdir((folder.path() + "/workerpool").c_str(), 0700) == 0);
  (void)folder.file("workerpool/q.url", f.url() + "\n");
  const Ran ran = run_ctl({"enqueue", "t", "-q", "q"}, {}, {{"XDG_RUNTIME_DIR", folder.path()}});
  CHECK(ran.exit == 0);
  CHECK(f.waiting() == 1);
  (void)folder.file("workerpool/q.url", "unix:///gone.sock\n");
  const Ran gone = run_ctl({"enqueue", "t", "-q", "q"}, {}, {{"XDG_RUNTIME_DIR", folder.path()}});
  CHECK(gone.exit == 69);
  CHECK(holds(gone.err, "the address is from " + folder.path() + "/workerpool/q.url"));
}
