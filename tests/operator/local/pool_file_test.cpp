#include "operator/local/pool_file.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::local;

namespace {

const std::string kHead =
    "apiVersion: workerpool.dev/v1alpha1\nkind: WorkerPool\nmetadata: {name: p}\nspec:\n";
const std::string kHandler = "  workers: {handler: {exec: {command: [cat]}}}\n";

std::string refusal(const std::string& text) {
  try {
    (void)parse_local_pool(text, "pool.yaml");
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}

bool one_line(const std::string& text) {
  return !text.empty() && text.find('\n') == std::string::npos;
}

}  // namespace

TEST_CASE("a pool without template, queue and Redis is a local pool") {
  const pool::Pool pool = parse_local_pool(kHead + kHandler, "pool.yaml");
  CHECK(pool.key() == "default/p");
  CHECK(pool.spec.queue.name == "default/p");
  CHECK_FALSE(pool.meta.uid.empty());
  CHECK(pool.meta.generation == 1);
}

TEST_CASE("what is wrong is one line: the file, the place, what is allowed") {
  const std::string broken = refusal("apiVersion: [\n");
  CHECK(broken.starts_with("pool.yaml:"));
  CHECK(one_line(broken));

  const std::string bounds =
      refusal(kHead + kHandler + "  scaling: {minReplicas: 9, maxReplicas: 3}\n");
  CHECK(bounds.starts_with("pool.yaml: spec.scaling."));
  CHECK(one_line(bounds));

  const std::string unknown = refusal(kHead + kHandler + "  scalling: {maxReplicas: 3}\n");
  CHECK(unknown.find("spec.scalling") != std::string::npos);
  CHECK(one_line(unknown));

  const std::string several = refusal(kHead + kHandler + "  a: 1\n  b: 2\n");
  CHECK(several.find("(also wrong: ") != std::string::npos);
  CHECK(one_line(several));

  CHECK(one_line(refusal(kHead + "  scaling: {}\n")));  // no handler
}

TEST_CASE("a file that can't be read") {
  CHECK_THROWS_WITH_AS(load_pool_file(""), "file: is required (-f pool.yaml)", UsageError);
  CHECK_THROWS_WITH_AS(load_pool_file("/no/such.yaml"),
                       "file: cannot read \"/no/such.yaml\": No such file or directory",
                       UsageError);
  CHECK_THROWS_WITH_AS(load_pool_file("/"), "file: cannot read \"/\": it is a folder", UsageError);
}

TEST_CASE("a local pool may have a handler that stays up") {
  PoolFile file;
  file.pool = parse_local_pool(kHead + "  workers: {handler: {stdio: {command: [cat]}}}\n", "p");
  CHECK_NOTHROW(check_handler(file, "p"));
  file.pool.spec.workers.handler.stdio->command = {"no-such-program"};
  CHECK_THROWS_WITH_AS(
      check_handler(file, "p"),
      "p: spec.workers.handler.stdio.command[0] is \"no-such-program\", which is no "
      "executable file in PATH",
      UsageError);
}

TEST_CASE("the app of a local pool is its user's to start") {
  PoolFile file;
  file.pool = parse_local_pool(
      kHead + "  workers: {handler: {http: {url: 'http://127.0.0.1:8000/jobs'}}}\n", "p");
  CHECK_NOTHROW(check_handler(file, "p"));
}

TEST_CASE("a handler that isn't there is found before anything starts") {
  PoolFile file;
  file.directory = "/etc";
  const auto with = [&](const char* program) {
    file.pool.spec.workers.handler.exec = pool::ExecHandler{{program}, 75, 65};
    check_handler(file, "pool.yaml");
  };
  CHECK_NOTHROW(with("sh"));
  CHECK_NOTHROW(with("/bin/sh"));
  CHECK_NOTHROW(with("../bin/sh"));
  CHECK_THROWS_WITH_AS(with("no-such-program"),
                       "pool.yaml: spec.workers.handler.exec.command[0] is \"no-such-program\", "
                       "which is no executable file in PATH",
                       UsageError);
  CHECK_THROWS_WITH_AS(with("./passwd"),
                       "pool.yaml: spec.workers.handler.exec.command[0] is \"./passwd\", which is "
                       "no executable file (relative to /etc)",
                       UsageError);
}

TEST_CASE("where Redis is: the option, else the pool, else nowhere") {
  LocalOptions options;
  pool::Pool pool;
  CHECK_FALSE(named_endpoint(options, pool, "f"));
  pool.spec.queue.redis = pool::Redis{};
  pool.spec.queue.redis->url = "redis://one:1/0";
  CHECK(named_endpoint(options, pool, "f")->describe() == "redis://one:1/0");
  options.redis.url = "redis://two:2/0";
  options.redis.password = "pw";
  CHECK(named_endpoint(options, pool, "f")->describe() == "redis://two:2/0");
  CHECK(named_endpoint(options, pool, "f")->password == "pw");
  options.redis.url.clear();
  pool.spec.queue.redis->credentials = pool::Credentials{"secret", "u", "p"};
  CHECK_THROWS_AS((void)named_endpoint(options, pool, "f"), UsageError);
}
