// The real program over TLS: told by the environment, as the operator does it, and through a
// rotation of everything that stands in files.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/runner/runner_process.h"
#include "tests/support/free_port.h"
#include "tests/support/tls_files.h"

using namespace wp;
using namespace wp::test;
using queue::JobState;

TEST_CASE("jobs run over TLS; another CA, another certificate and password need no restart") {
  Folder folder;
  const Authority first;
  const auto install = [&](const Authority& authority) {
    const Certificate made = authority.issue("redis", "DNS:redis.test");
    write_file(folder / "server.pem", made.pem);
    write_file(folder / "server.key", made.key);
    write_file(folder / "server-ca.pem", authority.pem());
  };
  install(first);
  const int port = free_port();
  RedisServer redis({"requirepass first", "tls-port " + std::to_string(port),
                     "tls-cert-file " + folder / "server.pem",
                     "tls-key-file " + folder / "server.key",
                     "tls-ca-cert-file " + folder / "server-ca.pem"});
  const Certificate ours = first.issue("worker", "");
  write_file(folder / "ca.pem", first.pem());
  write_file(folder / "cert.pem", ours.pem);
  write_file(folder / "key.pem", ours.key);
  write_file(folder / "password", "first\n");
  RunnerProcess runner({"rediss://127.0.0.1:" + std::to_string(port),
                        "q",
                        {"--handler", "noop"},
                        {{"WP_REDIS_CA_FILE", folder / "ca.pem"},
                         {"WP_REDIS_CERT_FILE", folder / "cert.pem"},
                         {"WP_REDIS_KEY_FILE", folder / "key.pem"},
                         {"WP_REDIS_SERVER_NAME", "redis.test"},
                         {"WP_REDIS_PASSWORD_FILE", folder / "password"}}});
  REQUIRE(runner.logged("\"msg\":\"registered\""));
  redis::Endpoint endpoint = redis.endpoint();
  endpoint.password = "first";
  const auto run_a_job = [&] {
    redis::Connection connection(endpoint);
    connection.connect();
    queue::Queue queue(connection, "q");
    std::vector<queue::NewJob> jobs(1);
    const std::string id = queue.enqueue(jobs).front().id;
    CHECK(eventually([&] { return queue.job(id).state == JobState::done; }, Millis{60000}));
    (void)connection.execute({"CONFIG", "SET", "requirepass", "second"});
  };
  run_a_job();

  const Authority second;
  redis.stop();
  install(second);
  redis.start();
  CHECK(runner.logged("\"class\":\"Tls\""));
  const Certificate renewed = second.issue("worker", "");
  write_file(folder / "ca.pem", second.pem());
  write_file(folder / "cert.pem", renewed.pem);
  write_file(folder / "key.pem", renewed.key);
  CHECK(runner.logged("\"msg\":\"registered again\""));
  run_a_job();
  CHECK(runner.log().find("PRIVATE KEY") == std::string::npos);
  runner.signal(SIGTERM);
  CHECK(runner.wait() == 0);
}
