// What `pools explain` and `pools list` say, part by part: every cause, the next step, documents,
// and objects that are not what they should be.
#include <doctest/doctest.h>
#include <functional>

#include "ctl/pools/explain.h"
#include "ctl/pools/pools.h"
#include "operator/pool/advice.h"
#include "operator/pool/event_reasons.h"
#include "tests/ctl/stored_pool.h"

using namespace wp;
using namespace wp::ctl;
using wp::test::Found;
using wp::test::had_jobs;
using wp::test::kDecided;
using wp::test::kNow;
using wp::test::stored;

TEST_CASE("the same as a document, for programs") {
  const std::string spec = R"({"scaling": {"policy": "SlotPerJob", "maxReplicas": 7}})";
  Found found(spec);
  had_jobs(found);
  found.decide(7, scaling::Cause::backlog, "134 slots / 4 = 34 workers; maxReplicas 7",
               scaling::Cause::at_max);
  found.f.fleet.members[0].stalled = true;
  found.count();
  ShownPool shown = stored(found, spec);
  shown.leaving = {{"w-7", true}};
  const auto document = explain(shown, kNow).document;
  CHECK(document.at("pool") == "media/thumbnails");
  CHECK(document.at("health") == "Degraded");
  CHECK(document.at("decision").at("cause") == "AtMax");
  CHECK(document.at("decision").at("time") == format_time_seconds(kDecided));
  CHECK(document.at("held_by").at("field") == "spec.scaling.maxReplicas");
  CHECK(document.at("held_by").at("value") == "7");
  CHECK(document.at("queue").at("waiting") == 120);
  CHECK(document.at("workers").at("stalled") == 1);
  CHECK(document.at("leaving").at(0).at("name") == "w-7");
  CHECK(document.at("inputs").at("policy") == "SlotPerJob");
  CHECK(document.at("inputs").at("scale_down_window_ms") == 15600);
  CHECK(document.at("ramp").is_null());
  CHECK(document.at("trouble").size() == 1);
  CHECK(document.at("trouble").at(0).at("condition") == "WorkersStalled");
  CHECK(document.at("trouble").at(0).at("field") == "spec.health.stallTimeout");
  CHECK(document.at("next").at("step") ==
        pool::advice_on_trouble(pool::condition::kWorkersStalled)->step);
}

TEST_CASE("every cause is explained: what holds the number, and what to do") {
  for (const pool::Advice& advice : pool::cause_advice()) {
    CAPTURE(advice.word);
    Found found;
    ShownPool shown = stored(found, "{}");
    shown.object["status"]["decision"]["cause"] = advice.word;
    const Explanation made = explain(shown, kNow);
    CHECK(made.document.at("decision").at("meaning") == advice.meaning);
    const bool wanted = advice.word == "Backlog" || advice.word == "Idle" ||
                        advice.word == "Schedule" || advice.word == "BelowThreshold";
    CHECK(made.document.at("held_by").is_null() == wanted);
    if (wanted) {
      CHECK(made.document.at("next").at("step") == "nothing to do");
    } else {
      CHECK(made.document.at("held_by").at("field") == "spec." + std::string(advice.field));
      CHECK(made.document.at("next").at("step") == advice.step);
    }
  }
}

namespace {

struct NextRow {
  std::string what;
  std::string spec;
  std::function<void(Found&)> change;
  std::string step;  // a part of it
  std::string command = {};
};

std::vector<NextRow> next_rows() {
  using scaling::Cause;
  const auto rolled_back = [](Found& found) {
    found.f.ramp = pool::RampStatus{.step = 1, .state = "RolledBack"};
  };
  const auto all_broken = [](Found& found) {
    for (fleet::Member& one : found.f.fleet.members) one.broken = true;
    found.count();
  };
  const std::string ramp = R"({"scaling": {"ramp": {"steps": [{"maxReplicas": 2,
                              "stableFor": "2h"}], "rollbackTo": 1}}})";
  const std::string annotate =
      "kubectl -n media annotate wp thumbnails workerpool.dev/ramp-reset=$(date +%s) --overwrite";
  return {
      {"nothing", "{}", [](Found&) {}, "nothing to do"},
      {"paused by the spec", R"({"pause": "ScaleIn"})", [](Found&) {}, "when that is over:",
       R"(kubectl -n media patch wp thumbnails --type=merge -p '{"spec":{"pause":"None"}}')"},
      {"paused by a person", "{}",
       [](Found& found) {
         found.counts().paused = true;
         found.counts().paused_by = "ann";
       },
       "when that is over:", "workerpoolctl queue resume media/thumbnails"},
      {"fixed", R"({"replicas": 3})", [](Found&) {}, "for an automatic size:",
       R"(kubectl -n media patch wp thumbnails --type=merge -p '{"spec":{"replicas":null}}')"},
      {"pods do not start", "{}",
       [](Found& found) { found.decide(9, Cause::backlog, "9 workers", Cause::unschedulable); },
       "add nodes", "kubectl -n media describe pods -l workerpool.dev/pool=thumbnails"},
      {"handlers are broken", "{}", all_broken, "mend workers.handler",
       "kubectl -n media logs --tail=20 --prefix -l workerpool.dev/pool=thumbnails"},
      {"the ramp is rolled back", ramp, rolled_back, "mend what fired it", annotate},
      {"the ramp before lesser troubles", ramp,
       [=](Found& found) {
         rolled_back(found);
         found.f.view.foreign_scaler = "keda-operator";
       },
       "mend what fired it", annotate},
      {"greater troubles before the ramp", ramp,
       [=](Found& found) {
         rolled_back(found);
         all_broken(found);
       },
       "mend workers.handler",
       "kubectl -n media logs --tail=20 --prefix -l workerpool.dev/pool=thumbnails"},
      {"the way to Redis before all else", "{}",
       [=](Found& found) {
         all_broken(found);
         found.unreadable(redis::ErrorClass::timeout);
       },
       "mend the way to Redis"},
      {"workers that start are no trouble", "{}",
       [](Found& found) { found.decide(9, Cause::backlog, "9 workers"); }, "nothing to do"},
  };
}

}  // namespace

TEST_CASE("the next step is the most urgent one, with its command") {
  for (const NextRow& row : next_rows()) {
    CAPTURE(row.what);
    Found found(row.spec);
    row.change(found);
    ShownPool shown = stored(found, row.spec);
    const auto next = explain(shown, kNow).document.at("next");
    const std::string step = next.at("step");
    CHECK_MESSAGE(step.find(row.step) != std::string::npos, step);
    CHECK(next.at("command") ==
          (row.command.empty() ? nlohmann::json() : nlohmann::json(row.command)));
    // kubectl knows nothing of a local pool.
    shown.local = true;
    const auto command = explain(shown, kNow).document.at("next").at("command").dump();
    CHECK_MESSAGE(command.find("kubectl") == std::string::npos, command);
  }
}

TEST_CASE("a pool that no operator has seen, or not as it is now") {
  Found found;
  ShownPool shown = stored(found, "{}");
  shown.object["metadata"]["generation"] = 4;
  CHECK(explain(shown, kNow).text().find("has not seen the newest spec yet") != std::string::npos);
  shown.object.erase("status");
  const std::string text = explain(shown, kNow).text();
  CHECK(text.find("Decision  none yet") != std::string::npos);
  CHECK(text.find("no operator has looked at this pool yet") != std::string::npos);
}

TEST_CASE("whatever was stored is shown on one line each, or left out") {
  for (const char* object :
       {"{}", R"({"metadata": {"name": "p"}, "spec": 7, "status": []})",
        R"({"metadata": {"name": "p\u001b[31m"}, "spec": {"scaling": {"maxReplicas": "many",
            "ramp": {"steps": "x"}, "schedules": [{"name": "\u001b]0;x\u0007"}]}},
            "status": {"decision": {"cause": "Tomor\nrow", "reason": "\u001b[2J", "time": "soon"},
            "queue": {"name": "a\nb", "waiting": -1}, "ramp": {"step": 99, "state": 5},
            "jobs": {"p95DurationMs": 9223372036854775807},
            "conditions": [{"type": "Ready", "status": "False", "message": "a\nNext  rm -rf"}]}})"}) {
    ShownPool shown;
    shown.object = nlohmann::json::parse(object);
    shown.source = "a\nb";
    shown.leaving = {{"\x1b[31m", false}};
    const std::string text = explain(shown, kNow).text();
    for (const char c : text) {
      CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
    }
    CHECK(text.find("\nNext  rm") == std::string::npos);
  }
}

TEST_CASE("the list has the columns of kubectl, absent figures are -") {
  Found found;
  had_jobs(found);
  ShownPool one = stored(found, "{}");
  one.object["metadata"]["creationTimestamp"] = format_time_seconds(kNow - Millis{3'720'000});
  ShownPool two;
  two.object = {{"metadata", {{"name", "new"}, {"namespace", "media"}}}, {"spec", nullptr}};
  CHECK(pools_table({one, two}, false, kNow) ==
        "NAME              WAITING  ACTIVE  DESIRED  READY  BUSY  HEALTH     AGE\n"
        "media/thumbnails      120      14        7      7     6  Healthy  1h02m\n"
        "media/new               -       -        -      -     -  -            -\n");
  CHECK(pools_table({one}, true, kNow) ==
        "NAME              WAITING  ACTIVE  DESIRED  READY  BUSY  HEALTH     AGE  QUEUE            "
        " MIN  MAX  SUCCESS%   P95  CAUSE\n"
        "media/thumbnails      120      14        7      7     6  Healthy  1h02m  media/thumbnails "
        "   0   10        99  2.0s  Backlog\n");
}
