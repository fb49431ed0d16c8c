#include <doctest/doctest.h>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "tests/ctl/run.h"

using namespace wp::test;
using nlohmann::json;

namespace {

constexpr const char* kJobs = "arrival_s,service_s\n1,10\n2,10\n3,10\n3,10\n60,5\n";

bool holds(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("simulate: a table with a line for each policy and the oracle, without Redis") {
  // An address where nothing listens: it is not asked.
  const Ran ran = run_ctl({"simulate", "-", "--redis", "redis://127.0.0.1:1/0"}, kJobs);
  CAPTURE(ran.err);
  REQUIRE(ran.exit == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out.starts_with("standard input: 5 jobs in 1m, 9 s each on average; "));
  for (const char* words : {"POLICY", "COST", "SOJOURN", "INTERRUPTED", "\nLookAhead ",
                            "\nSlotPerJob ", "\nThreshold ", "\nHPA-like ", "\noracle "}) {
    CAPTURE(words);
    CHECK(holds(ran.out, words));
  }
  CHECK_FALSE(holds(ran.out, "±"));
  CHECK(ran.out == run_ctl({"simulate", "-"}, kJobs).out);
}

TEST_CASE("simulate: the same for programs") {
  const Ran ran = run_ctl({"simulate", "-", "--policy", "SlotPerJob", "--runs", "3", "-o", "json",
                           "--concurrency", "2"},
                          kJobs);
  CAPTURE(ran.err);
  REQUIRE(ran.exit == 0);
  const json document = json::parse(ran.out);
  CHECK(document["load"]["jobs"] == 5);
  CHECK(document["load"]["service_s"] == 45.0);
  CHECK(document["concurrency"] == 2);
  CHECK(document["runs"] == 3);
  REQUIRE(document["policies"].size() == 2);
  const json& policy = document["policies"][0];
  CHECK(policy["policy"] == "SlotPerJob");
  CHECK(policy["interrupted"] == 0);
  CHECK(policy["cost"] > 1);
  CHECK(policy["product"].get<double>() ==
        doctest::Approx(policy["cost"].get<double>() * policy["sojourn"].get<double>())
            .epsilon(0.001));
  CHECK(policy["product_low"] <= policy["product"]);
  CHECK(policy["product_high"] >= policy["product"]);
  CHECK(policy["wait_s"]["p99"] >= policy["wait_s"]["p50"]);
  CHECK(policy["workers_started"] >= 2);
  CHECK(document["policies"][1]["policy"] == "oracle");
  CHECK(document["policies"][1]["cost"] == 1);
  CHECK(holds(run_ctl({"simulate", "-", "-o", "yaml"}, kJobs).out, "policies:\n  -\n    policy:"));
}

TEST_CASE("simulate: a plot here or in a file") {
  const TempFolder folder;
  const Ran here = run_ctl({"simulate", "-", "--plot", "-"}, kJobs);
  CHECK(here.exit == 0);
  CHECK(holds(here.out, "█"));
  const std::string file = folder.path() + "/plot.svg";
  const Ran there = run_ctl({"simulate", "-", "--plot", file}, kJobs);
  CHECK(there.exit == 0);
  CHECK_FALSE(holds(there.out, "█"));
  std::ifstream in(file);
  const std::string svg{std::istreambuf_iterator<char>(in), {}};
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  const Ran nowhere = run_ctl({"simulate", "-", "--plot", "/nowhere/plot.svg"}, kJobs);
  CHECK(nowhere.exit == 1);
  CHECK(holds(nowhere.err, "/nowhere/plot.svg: cannot be written: No such file or directory"));
  CHECK(run_ctl({"simulate", "-", "--plot", "-", "-o", "json"}, kJobs).exit == 2);
}

TEST_CASE("simulate: the load goes into a file, and comes back from there") {
  const TempFolder folder;
  const Ran csv = run_ctl({"simulate", "--load", "onoff", "--duration", "10m", "--save", "-"});
  CHECK(csv.exit == 0);
  CHECK(csv.out.starts_with("arrival_s,service_s\n"));
  const std::string file = folder.path() + "/onoff.csv";
  const Ran made = run_ctl({"simulate", "--load", "onoff", "--duration", "10m", "--save", file});
  const Ran read = run_ctl({"simulate", file});
  CHECK(made.exit == 0);
  CHECK(made.out == read.out);
  CHECK(run_ctl({"simulate", "-", "--save", "/nowhere/load.csv"}, kJobs).exit == 1);
}

TEST_CASE("simulate: a pool's file beside flags, and what of it is left out") {
  const TempFolder folder;
  const std::string pool = folder.file("pool.yaml",
                                       "apiVersion: workerpool.dev/v1alpha1\nkind: WorkerPool\n"
                                       "metadata: {name: p}\nspec:\n  workers: {handler: {exec: "
                                       "{command: [x]}}}\n  scaling: {policy: TargetDepth, "
                                       "maxReplicas: 3}\n  replicas: 2\n");
  const Ran ran = run_ctl({"simulate", "-", "--pool-file", pool}, kJobs);
  CAPTURE(ran.err);
  REQUIRE(ran.exit == 0);
  CHECK(holds(ran.out, "\nTargetDepth "));
  CHECK(ran.err ==
        "workerpoolctl: spec.replicas is not simulated: the size is what the policy "
        "says\n");
}

TEST_CASE("simulate: what is wrong is one line and exit code 2") {
  const Ran line = run_ctl({"simulate", "-"}, "1,2\nx,y\n");
  CHECK(line.exit == 2);
  CHECK(line.out.empty());
  CHECK(line.err ==
        "workerpoolctl: standard input:2: \"x,y\"; allowed: arrival_s,service_s per line, two "
        "numbers of seconds from 0 to a year\n");
  CHECK(run_ctl({"simulate", "--load", "wild"}).exit == 2);
  CHECK(run_ctl({"simulate", "--max", "0"}).exit == 2);
  CHECK(run_ctl({"simulate", "no-such-file.csv"}).exit == 2);
}

TEST_CASE("simulate: the help teaches by example") {
  const Ran help = run_ctl({"simulate", "--help"});
  CHECK(help.exit == 0);
  for (const char* words : {"arrival_s,service_s", "Examples:", "--pool-file", "--hpa-grace",
                            "workerpoolctl simulate --load onoff --plot -", "oracle"}) {
    CAPTURE(words);
    CHECK(holds(help.out, words));
  }
}
