#include "operator/local/report.h"

#include <doctest/doctest.h>

#include "operator/local/results.h"

using namespace wp;
using namespace wp::local;

namespace {

Report sample() {
  queue::Counts before;
  before.stat = {{"completed", 10}, {"busy_ms", 1000}, {"duration:3", 7}};
  queue::Counts after;
  after.stat = {{"completed", 30}, {"failed", 5},      {"dead", 1},
                {"busy_ms", 3500}, {"duration:3", 27}, {"duration:8", 5}};
  after.waiting = 2;
  Seen seen;
  seen.busy_for = Millis{4000};
  seen.peak_workers = 3;
  seen.sizes = {0, 3, 0};
  seen.scale_operations = 2;
  seen.executions = {{"p-1", 15}, {"p-2", 10}};
  return make_report(before, after, seen, {});
}

}  // namespace

TEST_CASE("a report counts what grew since the start") {
  const Report report = sample();
  CHECK(report.completed == 20);
  CHECK(report.failed_attempts == 5);
  CHECK(report.dead == 1);
  CHECK(report.left == 2);
  CHECK(report.average_ms == 100);    // 2500 ms over 25 executions
  CHECK(report.p95_below_ms == 256);  // 20 of 25 below 8 ms: 95 % needs the next bucket
  CHECK_FALSE(report.good());
}

TEST_CASE("the report's words") {
  CHECK(report_text(sample(), {false, 0}) ==
        "20 jobs completed, 5 failed attempts, 1 dead in 4.0 s (5.0 jobs/s)\n"
        "  left     2 jobs not run\n"
        "  handler  100 ms on average, 95 % below 256 ms\n"
        "  workers  0 -> 3 -> 0; 3 at most, 2 scale operations\n"
        "  share    p-1 15 (60 %), p-2 10 (40 %)\n"
        "  queue    checked: consistent\n");
  const std::string nothing = report_text(make_report({}, {}, {}, {"own without active"}), {});
  CHECK(nothing ==
        "0 jobs completed, 0 failed attempts, 0 dead\n"
        "  workers  0; 0 at most, 0 scale operations\n"
        "  queue    INCONSISTENT: 1 violation\n"
        "           own without active\n");
}

TEST_CASE("the report as JSON: unknown is null") {
  const nlohmann::json known = report_json(sample());
  CHECK(known.at("completed") == 20);
  CHECK(known.at("sizes") == nlohmann::json({0, 3, 0}));
  CHECK(report_json(make_report({}, {}, {}, {})).at("averageMs").is_null());
}

TEST_CASE("results: one object per job") {
  queue::JobView job;
  job.id = "a";
  job.state = queue::JobState::done;
  job.result = R"({"result":{"n":1},"duration_ms":7,"history":[]})";
  CHECK(
      result_of(job) ==
      nlohmann::json({{"id", "a"}, {"state", "done"}, {"result", {{"n", 1}}}, {"duration_ms", 7}}));
  job.state = queue::JobState::dead;
  job.type = "t";
  job.result = R"({"error":"no"})";
  CHECK(result_of(job) ==
        nlohmann::json({{"id", "a"}, {"state", "dead"}, {"type", "t"}, {"error", "no"}}));
  job.result = "no JSON";
  CHECK(result_of(job) == nlohmann::json({{"id", "a"}, {"state", "dead"}, {"type", "t"}}));
}
