// The metrics registry: families of counters, gauges and histograms by name and labels, and their
// text in Prometheus' exposition format. Safe from any thread. A family's help text and type are
// fixed by its first use; a second use with another type throws std::logic_error.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <string>
#include <utility>
#include <vector>

namespace wp::metrics {

using Counter = prometheus::Counter;
using Gauge = prometheus::Gauge;
using Histogram = prometheus::Histogram;
using Labels = std::map<std::string, std::string>;

enum class Kind { counter, gauge };

/// A histogram that somebody else counts: how many values lie at or below each bound.
struct Distribution {
  std::vector<std::pair<double, std::uint64_t>> buckets;  // ascending bounds, cumulative counts
  std::uint64_t count = 0;
  double sum = 0;
};

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// The series with these labels, made at its first use. The reference lives until `remove`.
  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  /// `buckets` are ascending upper bounds; they are fixed by the first use of the series.
  Histogram& histogram(const std::string& name, const std::string& help,
                       const std::vector<double>& buckets, const Labels& labels = {});

  /// Shows what is counted elsewhere: one series per entry of `values`, with the label `by`; they
  /// take the place of all that were shown under `name` with the same `labels`. An empty `by` is
  /// for a single value. A counter that is less than it was began anew: Prometheus takes it so.
  void show(const std::string& name, const std::string& help, Kind kind, const Labels& labels,
            const std::string& by, std::map<std::string, double> values);
  void show(const std::string& name, const std::string& help, const Labels& labels,
            Distribution distribution);

  /// Drops every series that carries all of these labels (a pool that is gone). References to
  /// those series are dead afterwards: only the owner of the labels may call this.
  void remove(const Labels& labels);

  /// Everything, in text format 0.0.4.
  std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

/// Buckets for durations in seconds, 1 ms to 10 min.
const std::vector<double>& duration_buckets();

/// Sets process_resident_memory_bytes, process_cpu_seconds_total and process_open_fds to their
/// present values.
void update_process_metrics(Registry& registry);

}  // namespace wp::metrics
