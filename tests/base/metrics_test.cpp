#include "base/metrics.h"

#include <doctest/doctest.h>
#include <sstream>
#include <stdexcept>
#include <thread>

using namespace wp::metrics;

namespace {

bool has_line(const Registry& registry, const std::string& wanted) {
  std::istringstream text(registry.text());
  for (std::string line; std::getline(text, line);) {
    if (line == wanted) return true;
  }
  MESSAGE("not found: ", wanted, " in:\n", registry.text());
  return false;
}

}  // namespace

TEST_CASE("the text names help, type and value of each series") {
  Registry registry;
  registry.counter("wp_jobs_total", "Jobs executed.", {{"pool", "a"}}).Increment(3);
  registry.gauge("wp_slots", "Slots.").Set(4);
  Histogram& histogram = registry.histogram("wp_seconds", "Duration.", {0.1, 1});
  histogram.Observe(0.05);
  histogram.Observe(5);
  CHECK(has_line(registry, "# HELP wp_jobs_total Jobs executed."));
  CHECK(has_line(registry, "# TYPE wp_jobs_total counter"));
  CHECK(has_line(registry, "wp_jobs_total{pool=\"a\"} 3"));
  CHECK(has_line(registry, "# TYPE wp_slots gauge"));
  CHECK(has_line(registry, "wp_slots 4"));
  CHECK(has_line(registry, "wp_seconds_bucket{le=\"0.1\"} 1"));
  CHECK(has_line(registry, "wp_seconds_bucket{le=\"+Inf\"} 2"));
  CHECK(has_line(registry, "wp_seconds_count 2"));
}

TEST_CASE("the same name and labels are the same series") {
  Registry registry;
  Counter& first = registry.counter("wp_x_total", "X.", {{"a", "1"}, {"b", "2"}});
  CHECK(&first == &registry.counter("wp_x_total", "X.", {{"b", "2"}, {"a", "1"}}));
  CHECK(&first != &registry.counter("wp_x_total", "X.", {{"a", "1"}}));
}

TEST_CASE("a name has one type, and stays usable after the mistake") {
  Registry registry;
  registry.counter("wp_x", "X.").Increment();
  CHECK_THROWS_AS(registry.gauge("wp_x", "X."), std::logic_error);
  CHECK_THROWS_AS(registry.histogram("wp_x", "X.", {1}), std::logic_error);
  CHECK_THROWS_AS(registry.gauge("wp_x", "X."), std::logic_error);
  registry.counter("wp_x", "X.").Increment();
  CHECK(has_line(registry, "wp_x 2"));
}

TEST_CASE("label values keep quotes, backslashes and newlines apart") {
  Registry registry;
  registry.gauge("wp_x", "X.", {{"l", "a\"b\\c\nd"}}).Set(1);
  CHECK(has_line(registry, R"(wp_x{l="a\"b\\c\nd"} 1)"));
}

TEST_CASE("removal takes every series that carries the labels, and no other") {
  Registry registry;
  registry.counter("wp_a_total", "A.", {{"pool", "p"}, {"type", "x"}}).Increment();
  registry.gauge("wp_b", "B.", {{"pool", "p"}}).Set(1);
  registry.histogram("wp_c", "C.", {1}, {{"pool", "p"}}).Observe(1);
  registry.gauge("wp_b", "B.", {{"pool", "q"}}).Set(2);
  registry.gauge("wp_d", "D.").Set(3);
  registry.remove({{"pool", "p"}});
  CHECK(registry.text().find("pool=\"p\"") == std::string::npos);
  CHECK(has_line(registry, "wp_b{pool=\"q\"} 2"));
  CHECK(has_line(registry, "wp_d 3"));

  // A pool of the same name that comes back starts anew.
  registry.counter("wp_a_total", "A.", {{"pool", "p"}, {"type", "x"}}).Increment();
  CHECK(has_line(registry, "wp_a_total{pool=\"p\",type=\"x\"} 1"));
}

TEST_CASE("what is counted elsewhere is shown as it is there, and replaced as a whole") {
  Registry registry;
  const Labels pool = {{"pool", "p"}};
  registry.show("wp_jobs_total", "Jobs.", Kind::counter, pool, "result",
                {{"completed", 5}, {"failed", 1}});
  registry.show("wp_jobs_total", "Jobs.", Kind::counter, {{"pool", "q"}}, "result",
                {{"completed", 7}});
  registry.show("wp_slots", "Slots.", Kind::gauge, pool, "", {{"", 4}});
  registry.show("wp_seconds", "Duration.", pool, {{{0.1, 1}, {1, 3}}, 4, 12.5});
  CHECK(has_line(registry, "# TYPE wp_jobs_total counter"));
  CHECK(has_line(registry, "wp_jobs_total{pool=\"p\",result=\"failed\"} 1"));
  CHECK(has_line(registry, "# TYPE wp_slots gauge"));
  CHECK(has_line(registry, "wp_slots{pool=\"p\"} 4"));
  CHECK(has_line(registry, "# TYPE wp_seconds histogram"));
  CHECK(has_line(registry, "wp_seconds_bucket{pool=\"p\",le=\"1\"} 3"));
  CHECK(has_line(registry, "wp_seconds_bucket{pool=\"p\",le=\"+Inf\"} 4"));
  CHECK(has_line(registry, "wp_seconds_sum{pool=\"p\"} 12.5"));

  // It began anew, and one of the results is not known any more.
  registry.show("wp_jobs_total", "Jobs.", Kind::counter, pool, "result", {{"completed", 2}});
  CHECK(has_line(registry, "wp_jobs_total{pool=\"p\",result=\"completed\"} 2"));
  CHECK(registry.text().find("failed") == std::string::npos);

  registry.remove(pool);
  CHECK(registry.text().find("pool=\"p\"") == std::string::npos);
  CHECK(has_line(registry, "wp_jobs_total{pool=\"q\",result=\"completed\"} 7"));
}

TEST_CASE("what is shown and what is counted here share no name") {
  Registry registry;
  registry.gauge("wp_x", "X.");
  CHECK_THROWS_AS(registry.show("wp_x", "X.", Kind::gauge, {}, "", {{"", 1}}), std::logic_error);
  registry.gauge("wp_x", "X.").Set(3);
  CHECK(has_line(registry, "wp_x 3"));
  registry.show("wp_y", "Y.", Kind::gauge, {}, "", {{"", 1}});
  CHECK_THROWS_AS(registry.gauge("wp_y", "Y."), std::logic_error);
  CHECK_THROWS_AS(registry.show("wp_y", "Y.", Kind::counter, {}, "", {{"", 1}}), std::logic_error);
  CHECK(has_line(registry, "wp_y 1"));
}

TEST_CASE("many threads may use it while one reads and one removes") {
  Registry registry;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&registry] {
        for (int i = 0; i < 500; ++i) {
          registry.counter("wp_x_total", "X.", {{"n", std::to_string(i % 7)}}).Increment();
        }
      });
    }
    threads.emplace_back([&registry] {
      for (int i = 0; i < 50; ++i) {
        registry.gauge("wp_gone", "G.", {{"pool", "p"}}).Set(i);
        registry.remove({{"pool", "p"}});
        CHECK_FALSE(registry.text().empty());
      }
    });
  }
  double sum = 0;
  for (int n = 0; n < 7; ++n) {
    sum += registry.counter("wp_x_total", "X.", {{"n", std::to_string(n)}}).Value();
  }
  CHECK(sum == 2000);
}

TEST_CASE("the process's own figures: a counter only grows") {
  Registry registry;
  update_process_metrics(registry);
  const double first = registry.counter("process_cpu_seconds_total", "").Value();
  for (int i = 0; i < 3; ++i) update_process_metrics(registry);
  const double later = registry.counter("process_cpu_seconds_total", "").Value();
  CHECK(first > 0);
  CHECK(later >= first);
  CHECK(later < first + 60);
  CHECK(has_line(registry, "# TYPE process_cpu_seconds_total counter"));
  CHECK(registry.gauge("process_resident_memory_bytes", "").Value() > 1e6);
  CHECK(registry.gauge("process_open_fds", "").Value() >= 3);
}

TEST_CASE("the default buckets ascend") {
  const auto& buckets = duration_buckets();
  for (std::size_t i = 1; i < buckets.size(); ++i) CHECK(buckets[i - 1] < buckets[i]);
}
