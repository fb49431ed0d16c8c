#include "tests/runner/sweep_points.h"

#include <signal.h>

#include "queue/scripts.h"

namespace wp::test {
namespace {

using enum queue::JobState;

const std::string kJob = kFirstJob;
const std::string kPayload = kUntilLetGo;
// The last arguments of a RELEASE that only says farewell: leave, and no claims.
const std::string kFarewell = "$1\r\n1\r\n$1\r\n0\r\n";

std::string name_of(const std::string& step, const Shot& shot, Network network) {
  if (network == Network::loses_request) return step + ": sent and lost";
  if (network == Network::loses_answer) return step + ": the answer is lost";
  if (shot.call == "reply") return step + ": answered";
  if (shot.place == "half") return step + ": half sent";
  return step + (shot.place == "before" ? ": not sent yet" : ": sent");
}

// One exchange with Redis, struck at each of its moments. Two outcomes of each kind: when the
// request has not arrived, and when it has.
struct Exchange {
  std::string step;
  std::vector<std::string> words;
  queue::JobState killed_before, killed_after;
  queue::JobState terminated, hurried;
  bool quick = false;
  std::vector<Shot> way = {};
  bool ends_on_way = false;
};

void add(std::vector<Point>& points, const Exchange& exchange) {
  const auto point = [&](const Shot& at, queue::JobState killed, Network network) {
    Point made{name_of(exchange.step, at, network), at, killed, exchange.terminated,
               exchange.hurried};
    made.quick = exchange.quick;
    made.way = exchange.way;
    made.ends_on_way = exchange.ends_on_way;
    made.network = network;
    points.push_back(made);
  };
  const auto send = [&](const std::string& place) { return Shot{"send", place, exchange.words}; };
  Shot held = send("before");
  held.hold = true;
  point(send("before"), exchange.killed_before, Network::passes);
  point(send("half"), exchange.killed_before, Network::passes);
  point(held, exchange.killed_before, Network::loses_request);
  point(send("after"), exchange.killed_after, Network::passes);
  point(held, exchange.killed_after, Network::loses_answer);
  // The way to an answer is its request.
  Point answered{name_of(exchange.step, Shot{"reply"}, Network::passes), Shot{"reply"},
                 exchange.killed_after, exchange.terminated, exchange.hurried};
  answered.quick = exchange.quick;
  answered.way = exchange.way;
  answered.way.push_back(send("after"));
  answered.ends_on_way = exchange.ends_on_way;
  points.push_back(answered);
}

std::vector<Point> make_points() {
  const queue::Scripts& scripts = queue::scripts();
  const std::string step = scripts.step.sha1();
  const std::string beat = scripts.beat.sha1();
  const std::string release = scripts.release.sha1();
  const std::string enter = scripts.register_worker.sha1();
  const Shot running{"send", "after", {beat, kJob}};
  const auto with = [](Shot shot, std::vector<int> signals) {
    shot.signals = std::move(signals);
    return shot;
  };
  const Shot told_claimed = with({"recv", "after", {kJob}}, {SIGTERM});

  std::vector<Point> all;
  add(all, {"registering", {enter}, ready, ready, ready, ready});
  add(all, {"claiming", {step}, ready, active, ready, ready});
  all.push_back({"claimed", {"recv", "after", {kJob}}, active, ready, ready});
  const auto process = [&](const char* name, const Shot& at, bool quick) {
    Point point{name, at, active, done, quick ? done : ready};
    point.quick = quick;
    point.needs_process = true;
    all.push_back(point);
  };
  process("before the spawn", {"spawn", "before"}, false);
  process("after the spawn", {"spawn", "after"}, false);
  process("the payload half written", {"write", "half", {kPayload}}, false);
  process("the payload written", {"write", "after", {kPayload}}, false);
  add(all, {"beating", {beat, kJob}, active, active, done, ready});
  process("the handler has ended", {"waitid", "after"}, true);
  add(all, {"settling", {step, kJob}, active, done, done, done, true});
  add(all, {"giving back what did not start",
            {release, kJob},
            active,
            ready,
            ready,
            ready,
            false,
            {told_claimed}});
  add(all, {"giving back what was interrupted",
            {release, kJob},
            active,
            ready,
            ready,
            ready,
            false,
            {with(running, {SIGTERM, SIGINT})}});
  add(all, {"leaving",
            {release, kFarewell},
            done,
            done,
            done,
            done,
            false,
            {with(running, {SIGTERM})},
            true});
  return all;
}

}  // namespace

const std::vector<Point>& points() {
  static const std::vector<Point> all = make_points();
  return all;
}

}  // namespace wp::test
