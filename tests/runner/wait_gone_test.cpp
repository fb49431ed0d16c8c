#include "runner/wait_gone.h"

#include <atomic>
#include <doctest/doctest.h>
#include <future>
#include <vector>

#include "base/http_server.h"
#include "base/options.h"
#include "tests/support/wait.h"

using namespace wp;
using namespace wp::runner;

namespace {

// How many pauses it took; `answers` in order, the last one for ever.
std::size_t pauses_until_done(const std::vector<Presence>& answers, Millis patience) {
  std::size_t asked = 0;
  std::size_t paused = 0;
  wait_gone([&] { return answers[std::min(asked++, answers.size() - 1)]; },
            [&](Millis) { REQUIRE(++paused < 1000); }, patience);
  return paused;
}

int run(const std::string& address) {
  const std::vector<const char*> words = {"wait-gone", "--probe-addr", address.c_str()};
  return run_wait_gone(static_cast<int>(words.size()), words.data());
}

}  // namespace

TEST_CASE("an app waits until the runner has gone") {
  using P = Presence;
  CHECK(pauses_until_done({P::gone}, Millis{1000}) == 2);
  CHECK(pauses_until_done({P::serving, P::leaving, P::leaving, P::gone}, Millis{1000}) == 5);
  // An answer that came too late.
  CHECK(pauses_until_done({P::leaving, P::gone, P::gone, P::leaving, P::gone}, Millis{1000}) == 6);
  // For as long as it takes.
  std::vector<Presence> long_drain(500, P::leaving);
  long_drain.push_back(P::gone);
  CHECK(pauses_until_done(long_drain, Millis{1000}) == 502);
}

TEST_CASE("a runner that goes on serving is no reason to wait: only the app is started again") {
  CHECK(pauses_until_done({Presence::serving}, Millis{1000}) == 5);
}

TEST_CASE("the runner's probes tell") {
  std::atomic<bool> ready{true};
  std::optional<HttpServer> probes;
  HttpServer::Endpoints endpoints;
  endpoints.ready = {{"registered", [&ready]() -> std::optional<std::string> {
                        return ready ? std::nullopt : std::optional<std::string>("stopping");
                      }}};
  probes.emplace("127.0.0.1:0", std::move(endpoints));
  const std::string address = ":" + std::to_string(probes->port());
  std::future<int> waiting = std::async(std::launch::async, [&] { return run(address); });
  ready = false;
  // Longer than a runner that serves would be waited for.
  CHECK(waiting.wait_for(Millis{6000}) == std::future_status::timeout);
  probes.reset();
  REQUIRE(waiting.wait_for(Millis{20000}) == std::future_status::ready);
  CHECK(waiting.get() == 0);
  CHECK(run(address) == 0);  // nobody there
}

TEST_CASE("a runner without probes cannot be asked") {
  CHECK_THROWS_AS(run("off"), UsageError);
}
