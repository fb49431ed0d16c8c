#include "base/metrics.h"

#include <algorithm>
#include <dirent.h>
#include <fstream>
#include <iterator>
#include <mutex>
#include <prometheus/family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <stdexcept>
#include <sys/resource.h>
#include <unistd.h>

namespace wp::metrics {
namespace {

template <typename Metric>
using Series = std::map<Labels, Metric*>;

template <typename Metric>
struct Family {
  prometheus::Family<Metric>* family = nullptr;
  Series<Metric> series;
};

template <typename Metric>
using FamilyMap = std::map<std::string, Family<Metric>>;

bool carries(const Labels& series, const Labels& wanted) {
  for (const auto& [key, value] : wanted) {
    const auto found = series.find(key);
    if (found == series.end() || found->second != value) return false;
  }
  return true;
}

// What is shown as others counted it: values by the label `by`, or a distribution, per set of
// labels.
struct ShownFamily {
  std::string help;
  prometheus::MetricType type = prometheus::MetricType::Untyped;
  std::string by;
  std::map<Labels, std::map<std::string, double>> values;
  std::map<Labels, Distribution> distributions;
};

void set_labels(const Labels& labels, prometheus::ClientMetric& metric) {
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
}

prometheus::MetricFamily family_of(const std::string& name, const ShownFamily& shown) {
  prometheus::MetricFamily family{name, shown.help, shown.type, {}};
  for (const auto& [labels, values] : shown.values) {
    for (const auto& [value_of, number] : values) {
      prometheus::ClientMetric metric;
      set_labels(labels, metric);
      if (!shown.by.empty()) metric.label.push_back({shown.by, value_of});
      metric.counter.value = metric.gauge.value = number;
      family.metric.push_back(std::move(metric));
    }
  }
  for (const auto& [labels, distribution] : shown.distributions) {
    prometheus::ClientMetric metric;
    set_labels(labels, metric);
    metric.histogram.sample_count = distribution.count;
    metric.histogram.sample_sum = distribution.sum;
    for (const auto& [bound, count] : distribution.buckets) {
      metric.histogram.bucket.push_back({count, bound});
    }
    family.metric.push_back(std::move(metric));
  }
  return family;
}

template <typename Metric>
void remove_series(FamilyMap<Metric>& families, const Labels& labels) {
  for (auto& [name, family] : families) {
    for (auto it = family.series.begin(); it != family.series.end();) {
      if (carries(it->first, labels)) {
        family.family->Remove(it->second);
        it = family.series.erase(it);
      } else {
        ++it;
      }
    }
  }
}

}  // namespace

struct Registry::Families {
  std::mutex mutex;
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Throw};
  FamilyMap<Counter> counters;
  FamilyMap<Gauge> gauges;
  FamilyMap<Histogram> histograms;
  std::map<std::string, ShownFamily> shown;

  bool is_made(const std::string& name) const {
    return counters.contains(name) || gauges.contains(name) || histograms.contains(name);
  }

  ShownFamily& find_shown(const std::string& name, const std::string& help,
                          prometheus::MetricType type) {
    ShownFamily& family = shown[name];
    if (family.type == prometheus::MetricType::Untyped) {
      if (is_made(name)) {
        shown.erase(name);
        throw std::logic_error("metric " + name + " is registered with two types");
      }
      family.help = help;
      family.type = type;
    }
    if (family.type != type) {
      throw std::logic_error("metric " + name + " is registered with two types");
    }
    return family;
  }

  template <typename Metric, typename Build, typename Add>
  Metric& find(FamilyMap<Metric>& families, const std::string& name, const Labels& labels,
               Build build, Add add) {
    const std::lock_guard lock(mutex);
    Family<Metric>& family = families[name];
    if (family.family == nullptr) {
      const auto others = counters.count(name) + gauges.count(name) + histograms.count(name);
      if (others > 1 || shown.contains(name))
        throw std::logic_error("metric " + name + " is registered with two types");
      family.family = &build();
    }
    Metric*& series = family.series[labels];
    if (series == nullptr) series = &add(*family.family);
    return *series;
  }
};

Registry::Registry() : families_(std::make_unique<Families>()) {}
Registry::~Registry() = default;

Counter& Registry::counter(const std::string& name, const std::string& help, const Labels& labels) {
  return families_->find(
      families_->counters, name, labels,
      [&]() -> auto& {
        return prometheus::BuildCounter().Name(name).Help(help).Register(families_->registry);
      },
      [&](auto& family) -> auto& { return family.Add(labels); });
}

Gauge& Registry::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  return families_->find(
      families_->gauges, name, labels,
      [&]() -> auto& {
        return prometheus::BuildGauge().Name(name).Help(help).Register(families_->registry);
      },
      [&](auto& family) -> auto& { return family.Add(labels); });
}

Histogram& Registry::histogram(const std::string& name, const std::string& help,
                               const std::vector<double>& buckets, const Labels& labels) {
  return families_->find(
      families_->histograms, name, labels,
      [&]() -> auto& {
        return prometheus::BuildHistogram().Name(name).Help(help).Register(families_->registry);
      },
      [&](auto& family) -> auto& {
        return family.Add(labels, prometheus::Histogram::BucketBoundaries(buckets));
      });
}

void Registry::show(const std::string& name, const std::string& help, Kind kind,
                    const Labels& labels, const std::string& by,
                    std::map<std::string, double> values) {
  const std::lock_guard lock(families_->mutex);
  ShownFamily& family = families_->find_shown(
      name, help,
      kind == Kind::counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge);
  family.by = by;
  family.values[labels] = std::move(values);
}

void Registry::show(const std::string& name, const std::string& help, const Labels& labels,
                    Distribution distribution) {
  const std::lock_guard lock(families_->mutex);
  families_->find_shown(name, help, prometheus::MetricType::Histogram).distributions[labels] =
      std::move(distribution);
}

void Registry::remove(const Labels& labels) {
  const std::lock_guard lock(families_->mutex);
  remove_series(families_->counters, labels);
  remove_series(families_->gauges, labels);
  remove_series(families_->histograms, labels);
  for (auto& [name, family] : families_->shown) {
    std::erase_if(family.values, [&](const auto& one) { return carries(one.first, labels); });
    std::erase_if(family.distributions,
                  [&](const auto& one) { return carries(one.first, labels); });
  }
}

std::string Registry::text() const {
  std::vector<prometheus::MetricFamily> all = families_->registry.Collect();
  {
    const std::lock_guard lock(families_->mutex);
    for (const auto& [name, family] : families_->shown) all.push_back(family_of(name, family));
  }
  return prometheus::TextSerializer().Serialize(all);
}

const std::vector<double>& duration_buckets() {
  static const std::vector<double> buckets = {
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600};
  return buckets;
}

void update_process_metrics(Registry& registry) {
  std::ifstream statm("/proc/self/statm");
  long pages = 0;
  long resident = 0;
  statm >> pages >> resident;
  registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
      .Set(static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)));

  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  // A counter can't be set: two scrapes at once must not both add the same difference.
  static std::mutex mutex;
  {
    const std::lock_guard lock(mutex);
    Counter& cpu =
        registry.counter("process_cpu_seconds_total", "Total user and system CPU time in seconds.");
    cpu.Increment(std::max(0.0, seconds(usage.ru_utime) + seconds(usage.ru_stime) - cpu.Value()));
  }

  if (DIR* const dir = opendir("/proc/self/fd")) {
    int open = -3;  // ".", "..", and the descriptor of this listing
    while (readdir(dir) != nullptr) ++open;
    closedir(dir);
    registry.gauge("process_open_fds", "Number of open file descriptors.").Set(open);
  }
}

}  // namespace wp::metrics
