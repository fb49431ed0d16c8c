// docs/protocol.md and docs/enqueue.lua say what the program does.
#include "tests/protocol/docs.h"

#include <fmt/format.h>

#include "queue/scripts.h"
#include "tests/queue/fixture.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

using namespace wp;
using namespace wp::test;

TEST_CASE("docs/enqueue.lua is the script that every part of WorkerPool loads") {
  const bool same = docs_file("enqueue.lua") == queue::scripts().enqueue.source();
  CHECK_MESSAGE(same, "write it anew: workerpoolctl protocol script enqueue > docs/enqueue.lua");
}

TEST_CASE("the page names the keys of ENQUEUE and JOB in their order, and every script") {
  const std::string page = docs_file("protocol.md");
  const auto& scripts = queue::scripts();
  for (const redis::Script* script : {&scripts.enqueue, &scripts.job}) {
    const std::string keys = fmt::format("`{}`", fmt::join(script->key_names(), " "));
    CHECK_MESSAGE((page.find(keys) != std::string::npos ||
                   page.find(keys.substr(1, keys.size() - 2)) != std::string::npos),
                  keys);
  }
  CHECK(page.find(fmt::format("EVALSHA <sha> {} ", scripts.enqueue.key_names().size())) !=
        std::string::npos);
  CHECK(page.find(fmt::format("This is format {} ", queue::kFormat)) != std::string::npos);
}

TEST_CASE("the lines for redis-cli work as they stand") {
  QueueFixture f;
  queue::Queue images(f.connection, "images");
  (void)images.write_config({}, "hash", "pool-uid", 1);
  const auto blocks = fenced("bash");
  REQUIRE(blocks.size() == 1);
  const OwnFolder folder;
  // Only where Redis listens is another place here.
  const std::string script =
      fmt::format("set -eu\ncd '{}'\nredis-cli() {{ command redis-cli -s '{}' \"$@\"; }}\n{}",
                  docs_folder(), shared_redis().socket(), blocks[0]);
  Process shell({"bash", "-c", script}, folder.path() + "/log");
  CHECK(shell.wait() == 0);
  CHECK(shell.output() == "ok\nnew\n");
  const auto claimed = images.step("w/1", {}, 1).claimed;
  REQUIRE(claimed.size() == 1);
  CHECK(claimed[0].id == "order-1");
  CHECK(claimed[0].type == "thumbnail");
  CHECK(claimed[0].payload == R"({"file":"a.png"})");
}
