#include "runner/handlers/environment.h"

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>

using namespace wp;
using namespace wp::runner;

namespace {

bool has(const std::vector<std::string>& env, const std::string& entry) {
  return std::find(env.begin(), env.end(), entry) != env.end();
}

}  // namespace

TEST_CASE("what a handler inherits holds nothing about the queue's Redis") {
  setenv("WP_REDIS_PASSWORD", "hidden", 1);
  setenv("WP_REDIS_URL", "redis://elsewhere", 1);
  setenv("APP_COLOUR", "green", 1);
  const auto env = inherited_environment();
  CHECK(has(env, "APP_COLOUR=green"));
  for (const std::string& entry : env) CHECK_FALSE(entry.starts_with("WP_REDIS_"));
  forget_secret_environment();
  CHECK(std::string(getenv("WP_REDIS_PASSWORD")).empty());
  unsetenv("WP_REDIS_PASSWORD");
  unsetenv("WP_REDIS_URL");
}

TEST_CASE("what the launcher put aside comes back under its own name") {
  setenv("WP_KEPT_LD_PRELOAD", "/usr/lib/allocator.so", 1);
  setenv("OPENSSL_CONF", "/workerpool/lib/openssl.cnf", 1);  // the runner's own
  const auto env = inherited_environment();
  CHECK(has(env, "LD_PRELOAD=/usr/lib/allocator.so"));
  for (const std::string& entry : env) CHECK_FALSE(entry.starts_with("WP_KEPT_"));
  for (const std::string& entry : env) CHECK_FALSE(entry.starts_with("OPENSSL_"));
  unsetenv("WP_KEPT_LD_PRELOAD");
  unsetenv("OPENSSL_CONF");
}

TEST_CASE("the facts of a job replace what was inherited under the same names") {
  Task task;
  task.job.id = "j1";
  task.job.type = "mail";
  task.job.epoch = 77;
  task.job.failures = 2;
  task.max_attempts = 9;
  const auto env = job_environment({"PATH=/bin", "WP_QUEUE=old", "WP_EPOCH=1"}, task,
                                   {"shop/mail", "/tmp/x", Millis{0}});
  CHECK(has(env, "PATH=/bin"));
  CHECK(has(env, "WP_JOB_ID=j1"));
  CHECK(has(env, "WP_JOB_TYPE=mail"));
  CHECK(has(env, "WP_QUEUE=shop/mail"));
  CHECK(has(env, "WP_ATTEMPT=3"));
  CHECK(has(env, "WP_MAX_ATTEMPTS=9"));
  CHECK(has(env, "WP_EPOCH=77"));
  CHECK(has(env, "WP_DEADLINE="));
  CHECK(has(env, "WP_SESSION="));
  CHECK(has(env, "WP_JOB_DIR=/tmp/x"));
  CHECK(has(env, "WP_PROGRESS_FD=3"));
  CHECK_FALSE(has(env, "WP_QUEUE=old"));
  CHECK_FALSE(has(env, "WP_EPOCH=1"));
}
