// Keeps a Store equal to a collection of the API server: list, then watch, for ever, on a thread of
// its own. `decode` turns an object into the struct that is kept; what it answers nothing for is
// not kept (and removed if it was). `on_change` runs on the reflector's thread after the store was
// updated: it may enqueue keys and must not block. Neither may throw; if one does, the object is
// skipped, counted and logged.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "operator/kube/client.h"
#include "operator/kube/reflector_loop.h"
#include "operator/kube/store.h"

namespace wp::kube {

template <typename T>
class Reflector {
 public:
  using Value = typename Store<T>::Value;
  using Decode = std::function<std::optional<T>(const nlohmann::json&)>;
  /// `before` is nothing for a new object, `after` nothing for one that is gone. `before` and
  /// `after` may be equal in content: a relist reports every object again.
  using OnChange =
      std::function<void(const std::string& key, const Value& before, const Value& after)>;

  Reflector(const ClusterConfig& config, ReflectorOptions options, Decode decode,
            OnChange on_change = {}, typename Store<T>::Index index = {})
      : store_(std::move(index)),
        decode_(std::move(decode)),
        on_change_(std::move(on_change)),
        loop_(config, std::move(options), sink()) {}

  /// Begins to list and watch. Called once.
  void start() { loop_.start(); }
  /// Ends within a second and joins; the store keeps its last content.
  void stop() { loop_.stop(); }

  const Store<T>& store() const { return store_; }
  /// True once the first complete list is in the store.
  bool synced() const { return loop_.synced(); }
  /// Waits for synced(); false when it did not come in time.
  bool wait_synced(Millis timeout) const { return loop_.wait_synced(timeout); }
  /// Why the store may be stale, in one line with the error's class; nothing when all is well.
  std::optional<std::string> failing() const { return loop_.failing(); }
  /// Steady time at which the server was last heard (a list, an event, a bookmark); zero: never.
  Millis last_heard() const { return loop_.last_heard(); }

 private:
  ReflectorSink sink() {
    return {
        .begin_replace = [this] { pending_.clear(); },
        .add_to_replace =
            [this](const std::string& key, const nlohmann::json& object) {
              if (Value value = decoded(object)) pending_[key] = std::move(value);
            },
        .end_replace =
            [this] {
              const auto changes = store_.replace(std::exchange(pending_, {}));
              for (const auto& change : changes) tell(change.key, change.before, change.after);
            },
        .apply = [this](const std::string& key,
                        const nlohmann::json& object) { set(key, decoded(object)); },
        .remove = [this](const std::string& key) { set(key, nullptr); },
    };
  }

  Value decoded(const nlohmann::json& object) const {
    std::optional<T> value = decode_(object);
    return value ? std::make_shared<const T>(std::move(*value)) : nullptr;
  }

  void set(const std::string& key, Value after) {
    const Value before = store_.set(key, after);
    if (before || after) tell(key, before, after);
  }

  // A caller's mistake about one object must not swallow the news about the next ones.
  void tell(const std::string& key, const Value& before, const Value& after) const {
    if (!on_change_) return;
    try {
      on_change_(key, before, after);
    } catch (const std::exception& error) {
      log::error("a change could not be passed on", {{"key", key}, {"error", error.what()}});
    }
  }

  Store<T> store_;
  Decode decode_;
  OnChange on_change_;
  typename Store<T>::Objects pending_;  // of a list that is not complete; the loop's thread only
  ReflectorLoop loop_;                  // last: its thread uses the others
};

}  // namespace wp::kube
