#include "ctl/simulate/load.h"

#include <doctest/doctest.h>
#include <numeric>

#include "base/options.h"
#include "ctl/simulate/generate.h"

using namespace wp;
using namespace wp::simulate;

namespace {

std::string problem(const std::string& csv) {
  try {
    (void)parse_load(csv, "f.csv");
  } catch (const UsageError& e) {
    return e.what();
  }
  return {};
}

// Of the jobs that arrive within these seconds.
double rate_within(const Load& load, double from, double to) {
  double jobs = 0;
  for (const Job& job : load.jobs) {
    const double at = to_seconds(job.arrival);
    jobs += at >= from && at < to ? 1 : 0;
  }
  return jobs / (to - from);
}

double mean_service(const Load& load) {
  return to_seconds(load.total_service()) / static_cast<double>(load.jobs.size());
}

}  // namespace

TEST_CASE("a recorded load, with and without what may be absent") {
  const Load plain = parse_load("1.5,2\n3,0.25\n", "f.csv");
  REQUIRE(plain.jobs.size() == 2);
  CHECK(plain.jobs[0] == Job{Micros{1'500'000}, Micros{2'000'000}});
  CHECK(plain.jobs[1] == Job{Micros{3'000'000}, Micros{250'000}});
  CHECK(plain.total_service() == Micros{2'250'000});
  CHECK(plain.last_arrival() == Micros{3'000'000});
  for (const char* csv : {
           "arrival_s,service_s\n1.5,2\n3,0.25\n",
           "1.5,2\n3,0.25",
           "1.5,2\r\n3,0.25\r\n",
           "# monday\n\narrival_s,service_s\n1.5, 2\n \n# noon\n 3 ,\t0.25\n",
           "3,0.25\n1.5,2\n",
           "1.5,2e0\n3.000,0.25\n",
       }) {
    CAPTURE(csv);
    CHECK(parse_load(csv, "f.csv").jobs == plain.jobs);
  }
}

TEST_CASE("a load as text is the same load again") {
  const Load load = generate({});
  CHECK(parse_load(to_csv(load), "f.csv").jobs == load.jobs);
  CHECK(to_csv(parse_load("0.5,1\n", "f.csv")) == "arrival_s,service_s\n0.500000,1.000000\n");
}

TEST_CASE("jobs of the same moment stay in their order") {
  const Load load = parse_load("5,1\n2,2\n5,3\n2,4\n", "f.csv");
  std::vector<double> services;
  for (const Job& job : load.jobs) services.push_back(to_seconds(job.service));
  CHECK(services == std::vector<double>{2, 4, 1, 3});
}

TEST_CASE("what is no load is named, with its line and what is allowed") {
  struct Row {
    const char* csv;
    const char* begins;
  };
  for (const Row& row : {
           Row{"1,2\n3\n", "f.csv:2: \"3\"; allowed: arrival_s,service_s per line"},
           Row{"1,2\n\n3;4\n", "f.csv:3: \"3;4\"; allowed"},
           Row{"1,-2\n", "f.csv:1: \"1,-2\"; allowed"},
           Row{"-1,2\n", "f.csv:1: "},
           Row{"1,nan\n", "f.csv:1: "},
           Row{"1,inf\n", "f.csv:1: "},
           Row{"1,1e300\n", "f.csv:1: "},
           Row{"1,2,3\n", "f.csv:1: "},
           Row{"1,2s\n", "f.csv:1: "},
           Row{",\n", "f.csv:1: "},
           Row{"when,howlong\n1,2\n", "f.csv:1: "},
           Row{"1,2\narrival_s,service_s\n", "f.csv:2: "},
           Row{"1,\x1b[31m\n", "f.csv:1: \"1,?[31m\"; allowed"},
           Row{"", "f.csv: holds no job; allowed"},
           Row{"arrival_s,service_s\n", "f.csv: holds no job"},
           Row{"1,0\n2,0\n", "f.csv: no job takes any time"},
       }) {
    CAPTURE(row.csv);
    const std::string what = problem(row.csv);
    CAPTURE(what);
    CHECK(what.starts_with(row.begins));
  }
  CHECK_THROWS_AS((void)read_load("/nowhere/at-all.csv"), UsageError);
  CHECK_THROWS_AS((void)read_load("/"), UsageError);
}

TEST_CASE("generated loads have the rate, the service time and the shape that were asked for") {
  for (const std::string& name : shape_names()) {
    CAPTURE(name);
    Generated options;
    options.shape = parse_shape(name);
    options.sigma = usual_sigma(options.shape);
    options.duration = std::chrono::hours{10};
    const Load load = generate(options);
    const double seconds = to_seconds(options.duration);
    CHECK(load.name == name);
    CHECK(static_cast<double>(load.jobs.size()) == doctest::Approx(2 * seconds).epsilon(0.02));
    // A heavy tail converges slowly.
    CHECK(mean_service(load) == doctest::Approx(10).epsilon(name == "heavy" ? 0.1 : 0.02));
    for (std::size_t i = 1; i < load.jobs.size(); ++i) {
      REQUIRE(load.jobs[i - 1].arrival <= load.jobs[i].arrival);
    }
    CHECK(load.jobs.back().arrival < options.duration);
    CHECK(std::min_element(load.jobs.begin(), load.jobs.end(), [](const Job& a, const Job& b) {
            return a.service < b.service;
          })->service > Micros{0});
    const double quarter = seconds / 4;
    switch (options.shape) {
      case Shape::steady:
      case Shape::heavy:
        CHECK(rate_within(load, 0, quarter) == doctest::Approx(2).epsilon(0.05));
        CHECK(rate_within(load, 3 * quarter, seconds) == doctest::Approx(2).epsilon(0.05));
        break;
      case Shape::diurnal:
        CHECK(rate_within(load, 0, seconds / 20) < 0.1);
        CHECK(rate_within(load, 1.9 * quarter, 2.1 * quarter) == doctest::Approx(4).epsilon(0.05));
        break;
      case Shape::onoff:
        CHECK(rate_within(load, 0, 120) == doctest::Approx(6).epsilon(0.15));
        CHECK(rate_within(load, 120, 360) == 0);
        CHECK(rate_within(load, 360, 480) == doctest::Approx(6).epsilon(0.15));
        break;
      case Shape::spike:
        CHECK(rate_within(load, 0, quarter) == doctest::Approx(1.5).epsilon(0.05));
        CHECK(rate_within(load, quarter, quarter + 10) == doctest::Approx(900).epsilon(0.1));
        CHECK(rate_within(load, 2 * quarter, 2 * quarter + 10) ==
              doctest::Approx(900).epsilon(0.1));
        break;
    }
  }
}

TEST_CASE("the same seed makes the same load, on every machine; another seed another one") {
  Generated options;
  const Load first = generate(options);
  CHECK(first.jobs == generate(options).jobs);
  // Pinned: what a distribution of the standard library would not keep.
  REQUIRE(first.jobs.size() > 2);
  CHECK(first.jobs[0] == Job{Micros{1005418}, Micros{30696981}});
  CHECK(first.jobs[1] == Job{Micros{1403324}, Micros{7604750}});
  options.seed = 2;
  CHECK(generate(options).jobs != first.jobs);
  // Another service time leaves the arrivals where they are.
  options.seed = 1;
  options.service = Micros{1'000'000};
  const Load quick = generate(options);
  REQUIRE(quick.jobs.size() == first.jobs.size());
  CHECK(quick.jobs[7].arrival == first.jobs[7].arrival);
  CHECK(to_seconds(quick.jobs[7].service) ==
        doctest::Approx(to_seconds(first.jobs[7].service) / 10).epsilon(1e-4));
}

TEST_CASE("the wildest service times are still times") {
  Generated options;
  options.sigma = 4;
  options.service = std::chrono::hours{24};
  options.duration = std::chrono::hours{24};
  for (const Job& job : generate(options).jobs) {
    REQUIRE(job.service > Micros{0});
    REQUIRE(job.service <= std::chrono::hours{366 * 24});
  }
}

TEST_CASE("a load of no job, or of too many, is refused") {
  Generated options;
  options.rate = 1e-6;
  CHECK_THROWS_AS((void)generate(options), UsageError);
  options.rate = 1e6;
  CHECK_THROWS_AS((void)generate(options), UsageError);
}
