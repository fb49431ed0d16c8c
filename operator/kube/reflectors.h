// A Reflector for each watched namespace, or one for all of them, read as one store: who may watch
// some namespaces only may not list the whole cluster. Owned as a Reflector is; the callbacks run
// on the threads of all of them. Any thread may call the getters.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/kube/reflector.h"

namespace wp::kube {

template <typename T>
class Reflectors {
 public:
  using Value = typename Reflector<T>::Value;

  /// `options.collection_path` is set here. No namespaces: all of them.
  Reflectors(const ClusterConfig& config, const ReflectorOptions& options, const Resource& resource,
             const std::vector<std::string>& namespaces, typename Reflector<T>::Decode decode,
             typename Reflector<T>::OnChange on_change = {}, typename Store<T>::Index index = {}) {
    const std::vector<std::string> all{""};
    for (const std::string& ns : namespaces.empty() ? all : namespaces) {
      ReflectorOptions own = options;
      own.collection_path = resource_path(resource, ns);
      parts_.push_back(
          {ns, std::make_unique<Reflector<T>>(config, std::move(own), decode, on_change, index)});
    }
  }

  void start() {
    for (const Part& part : parts_) part.reflector->start();
  }
  void stop() {
    for (const Part& part : parts_) part.reflector->stop();
  }

  /// True once the first complete list of every namespace is in its store.
  bool synced() const {
    return std::all_of(parts_.begin(), parts_.end(),
                       [](const Part& part) { return part.reflector->synced(); });
  }
  /// Waits for synced(); false when it did not come in time.
  bool wait_synced(Millis timeout) const {
    const Millis end = system_clock().steady() + timeout;
    return std::all_of(parts_.begin(), parts_.end(), [end](const Part& part) {
      return part.reflector->wait_synced(std::max(Millis{0}, end - system_clock().steady()));
    });
  }
  /// Why a store may be stale; nothing when all is well.
  std::optional<std::string> failing() const {
    for (const Part& part : parts_) {
      if (auto problem = part.reflector->failing()) return problem;
    }
    return std::nullopt;
  }

  /// By "namespace/name"; nothing when it does not exist, or is in no watched namespace.
  Value get(const std::string& key) const {
    for (const Part& part : parts_) {
      if (part.holds(key)) return part.reflector->store().get(key);
    }
    return nullptr;
  }
  /// All of them, namespace by namespace.
  std::vector<Value> list() const {
    return gathered([](const Store<T>& store) { return store.list(); });
  }
  /// The objects whose index holds `value`.
  std::vector<Value> by_index(const std::string& value) const {
    return gathered([&value](const Store<T>& store) { return store.by_index(value); });
  }
  std::size_t size() const {
    std::size_t all = 0;
    for (const Part& part : parts_) all += part.reflector->store().size();
    return all;
  }

 private:
  struct Part {
    std::string ns;  // empty: all
    std::unique_ptr<Reflector<T>> reflector;

    bool holds(const std::string& key) const {
      return ns.empty() || (key.size() > ns.size() && key.starts_with(ns) && key[ns.size()] == '/');
    }
  };

  template <typename Read>
  std::vector<Value> gathered(const Read& read) const {
    if (parts_.size() == 1) return read(parts_.front().reflector->store());
    std::vector<Value> all;
    for (const Part& part : parts_) {
      for (Value& value : read(part.reflector->store())) all.push_back(std::move(value));
    }
    return all;
  }

  std::vector<Part> parts_;
};

}  // namespace wp::kube
