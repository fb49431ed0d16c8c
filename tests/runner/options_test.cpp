#include "runner/options.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <initializer_list>
#include <optional>

#include "base/options.h"

using namespace wp;
using namespace wp::runner;

namespace {

// The variables that the operator sets, gone with the scope.
class Variables {
 public:
  explicit Variables(std::initializer_list<std::pair<const char*, const char*>> values) {
    for (const auto& [name, value] : values) {
      setenv(name, value, 1);
      names_.push_back(name);
    }
  }
  ~Variables() {
    for (const std::string& name : names_) unsetenv(name.c_str());
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  std::vector<std::string> names_;
};

RunnerOptions parse(std::vector<const char*> words) {
  words.insert(words.begin(), "workerpool-runner");
  auto options = parse_options(static_cast<int>(words.size()), words.data());
  REQUIRE(options);
  return std::move(*options);
}

std::string refusal(std::vector<const char*> words) {
  try {
    (void)parse(std::move(words));
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the command is the words behind --, dashes included") {
  const RunnerOptions options = parse({"--queue", "q", "--", "sh", "-c", "exit 0", "--queue"});
  CHECK(options.handler == "exec");
  CHECK(options.command == std::vector<std::string>{"sh", "-c", "exit 0", "--queue"});
  CHECK(options.program.ends_with("/sh"));
  CHECK(options.queue == "q");
  CHECK(options.concurrency == 1);
}

TEST_CASE("the operator says it by the environment") {
  const Variables env{
      {"WP_QUEUE", "media/thumbs"},    {"WP_HANDLER_COMMAND", "[\"sh\",\"-c\",\"exit 0\"]"},
      {"WP_CONCURRENCY", "7"},         {"WP_REDIS_URL", "redis://redis:6380/3"},
      {"WP_REDIS_PASSWORD", "hidden"}, {"WP_POD_UID", "1-2-3"},
      {"WP_DRAIN_TIMEOUT", "90s"}};
  const RunnerOptions options = parse({});
  CHECK(options.queue == "media/thumbs");
  CHECK(options.handler == "exec");
  CHECK(options.command.size() == 3);
  CHECK(options.concurrency == 7);
  CHECK(options.endpoint.host == "redis");
  CHECK(options.endpoint.database == 3);
  CHECK(options.endpoint.password == "hidden");
  CHECK(options.pod_uid == "1-2-3");
  CHECK(options.own.drain_timeout == Millis{90000});
  for (const ResolvedSetting& setting : options.resolved) {
    CHECK_FALSE(contains(setting.value, "hidden"));
  }
}

TEST_CASE("a password in the URL is never among the settings that are logged") {
  const RunnerOptions options =
      parse({"--queue", "q", "--handler", "noop", "--redis", "redis://u:hidden@h:1/0"});
  for (const ResolvedSetting& setting : options.resolved) {
    CHECK_FALSE(contains(setting.value, "hidden"));
  }
}

TEST_CASE("each bad value is one line that names it") {
  CHECK(contains(refusal({"--handler", "noop"}), "queue: is required"));
  CHECK(contains(refusal({"--queue", "q"}), "handler:"));
  CHECK(contains(refusal({"--queue", "q", "--handler", "stdio"}), "needs a command"));
  CHECK(
      contains(refusal({"--queue", "q", "--handler", "http"}), "http-url: the http handler needs"));
  for (const char* bad :
       {"https://127.0.0.1/", "http://10.0.0.1/jobs", "http://app/", "127.0.0.1"}) {
    const std::string line = refusal({"--queue", "q", "--http-url", bad});
    CHECK(contains(line, "http-url: \"" + std::string(bad) + "\""));
    CHECK(contains(line, "http://127.0.0.1:8000/jobs"));
  }
  CHECK(contains(
      refusal({"--queue", "q", "--http-url", "http://localhost:1", "--http-ready-path", "ready"}),
      "http-ready-path: \"ready\" does not begin with /"));
  CHECK(contains(refusal({"--queue", "q", "--handler", "noop", "--http-ready-path", "/ready"}),
                 "http-ready-path: /ready was given, but the handler is noop"));
  CHECK(contains(refusal({"--queue", "q", "--handler", "magic"}), "\"magic\""));
  CHECK(contains(refusal({"--queue", "q", "--handler", "exec"}), "handler-command"));
  CHECK(contains(refusal({"--queue", "q", "--handler", "noop", "--", "sh"}), "runs no command"));
  CHECK(
      contains(refusal({"--queue", "q", "--concurrency", "0", "--handler", "noop"}), "1 to 1000"));
  for (const char* bad : {"python3 job.py", "[]", "[1]", "[\"\"]", "{}", "[\"a\\u0000b\"]"}) {
    const Variables env{{"WP_HANDLER_COMMAND", bad}};
    CHECK(contains(refusal({"--queue", "q"}), "JSON array"));
  }
  CHECK(contains(refusal({"--queue", "q", "--redis", "http://x", "--handler", "noop"}), "redis:"));
  CHECK(contains(refusal({"--queue", "b\nd", "--handler", "noop"}), "queue:"));
  CHECK(
      contains(refusal({"--queue", "q", "--handler", "noop", "--worker-id", "a/b"}), "worker-id"));
  CHECK(
      contains(refusal({"--queue", "q", "--defer-exit-code", "65", "--", "sh"}), "dead-exit-code"));
  CHECK(
      contains(refusal({"--queue", "q", "--scratch-dir", "/nowhere", "--", "sh"}), "scratch-dir"));
}

TEST_CASE("a command that is not there is no reason to refuse the settings") {
  for (const char* program : {"no-such-program-anywhere", "/etc/passwd", "/tmp"}) {
    CAPTURE(program);
    const RunnerOptions options = parse({"--queue", "q", "--", program, "x"});
    CHECK(options.command.front() == program);
    CHECK(options.program.empty());
  }
}

TEST_CASE("TLS and sentinels by the environment; secrets are not shown") {
  const Variables env{{"WP_REDIS_URL", "rediss://user:url-secret@redis/2"},
                      {"WP_REDIS_CA_FILE", "/etc/ca.pem"},
                      {"WP_REDIS_INSECURE_SKIP_VERIFY", "false"},
                      {"WP_REDIS_SENTINEL_MASTER", "main"},
                      {"WP_REDIS_SENTINEL_NODES", "a,b:7"},
                      {"WP_REDIS_SENTINEL_PASSWORD", "watch-secret"},
                      {"WP_REDIS_SENTINEL_TLS", "off"}};
  const RunnerOptions options = parse({"--queue", "q", "--handler", "noop"});
  CHECK(options.endpoint.describe() == "rediss+sentinel://a:26379,b:7/main/2");
  REQUIRE(options.endpoint.tls);
  CHECK(options.endpoint.tls->ca_file == "/etc/ca.pem");
  REQUIRE(options.endpoint.sentinel);
  CHECK_FALSE(options.endpoint.sentinel->tls);
  CHECK(options.endpoint.sentinel->password == "watch-secret");
  for (const ResolvedSetting& setting : options.resolved) {
    CHECK_FALSE(contains(setting.value, "secret"));
  }
}
