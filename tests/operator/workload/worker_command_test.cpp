#include "operator/workload/worker_command.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace wp;

TEST_CASE("a worker's command: all in the environment, nothing on the command line") {
  pool::Pool pool;
  pool.meta.name = "thumbs";
  pool.spec.queue.name = "media/thumbs";
  pool.spec.workers.concurrency = 3;
  pool.spec.workers.drain_timeout = Millis{90000};
  pool.spec.workers.handler.exec = pool::ExecHandler{{"python3", "a \"b\".py"}, 75, 65};
  redis::Endpoint endpoint = redis::parse_endpoint("redis://me:s3cret@host:7000/2");

  const workload::Command command = workload::worker_command(
      "/bin/runner", pool, endpoint, {"thumbs-1", "thumbs-1-abc"}, {"HOME=/root"});
  CHECK(command.words == std::vector<std::string>{"/bin/runner"});
  const auto has = [&](const std::string& entry) {
    return std::count(command.environment.begin(), command.environment.end(), entry) == 1;
  };
  CHECK(has("HOME=/root"));
  CHECK(has("WP_REDIS_URL=redis://host:7000/2"));
  CHECK(has("WP_REDIS_USERNAME=me"));
  CHECK(has("WP_REDIS_PASSWORD=s3cret"));
  CHECK(has("WP_QUEUE=media/thumbs"));
  CHECK(has("WP_CONCURRENCY=3"));
  CHECK(has("WP_HANDLER_COMMAND=[\"python3\",\"a \\\"b\\\".py\"]"));
  CHECK(has("WP_WORKER_ID=thumbs-1-abc"));
  CHECK(has("WP_POD_NAME=thumbs-1"));
  CHECK(has("WP_DRAIN_TIMEOUT=1m30s"));
  CHECK(has("WP_PROBE_ADDR=off"));
}

TEST_CASE("a worker of each handler is told which, and how") {
  const auto has = [](const pool::Handler& handler, const std::string& entry) {
    pool::Pool pool;
    pool.spec.workers.handler = handler;
    const auto all = workload::worker_command("r", pool, {}, {"n", "u"}, {}).environment;
    return std::count(all.begin(), all.end(), entry) == 1;
  };
  pool::Handler stdio;
  stdio.stdio = pool::StdioHandler{{"node", "w.js"}, true, Millis{90000}};
  CHECK(has(stdio, "WP_HANDLER=stdio"));
  CHECK(has(stdio, "WP_HANDLER_COMMAND=[\"node\",\"w.js\"]"));
  CHECK(has(stdio, "WP_STDIO_READY=true"));
  CHECK(has(stdio, "WP_STDIO_STARTUP_TIMEOUT=1m30s"));
  pool::Handler http;
  http.http = pool::HttpHandler{"http://127.0.0.1:8000/jobs", "/ready"};
  CHECK(has(http, "WP_HANDLER=http"));
  CHECK(has(http, "WP_HTTP_URL=http://127.0.0.1:8000/jobs"));
  CHECK(has(http, "WP_HTTP_READY_PATH=/ready"));
}

TEST_CASE("a worker gets to a Redis with TLS and sentinels as the operator does") {
  redis::Endpoint endpoint = redis::parse_endpoint("rediss+sentinel://a,b/main");
  endpoint.tls->ca_file = "/ca.pem";
  endpoint.sentinel->tls->ca_file = "/other.pem";
  endpoint.sentinel->password = "watch";
  const workload::Command command = workload::worker_command("r", {}, endpoint, {"n", "u"}, {});
  const auto has = [&](const std::string& entry) {
    return std::count(command.environment.begin(), command.environment.end(), entry) == 1;
  };
  CHECK(has("WP_REDIS_URL=rediss+sentinel://a:26379,b:26379/main/0"));
  CHECK(has("WP_REDIS_CA_FILE=/ca.pem"));
  CHECK(has("WP_REDIS_SENTINEL_TLS=own"));
  CHECK(has("WP_REDIS_SENTINEL_CA_FILE=/other.pem"));
  CHECK(has("WP_REDIS_SENTINEL_PASSWORD=watch"));
}
