// What the API server holds of one kind, as small structs of our own, kept current by a Reflector.
// One writer (the reflector's thread), any number of readers on any thread. Readers get shared
// pointers to immutable values: they stay valid and unchanged for as long as they are held.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wp::kube {

/// "namespace/name", or "name" for an object without a namespace.
std::string object_key(std::string_view ns, std::string_view name);

template <typename T>
class Store {
 public:
  using Value = std::shared_ptr<const T>;
  /// The values under which by_index() finds an object, for example the uid of its owner.
  using Index = std::function<std::vector<std::string>(const T&)>;

  explicit Store(Index index = {}) : index_(std::move(index)) {}

  /// Nothing when it does not exist (as far as is known).
  Value get(const std::string& key) const {
    const std::shared_lock lock(mutex_);
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }

  /// All of them, ordered by key.
  std::vector<Value> list() const {
    const std::shared_lock lock(mutex_);
    std::vector<Value> values;
    values.reserve(objects_.size());
    for (const auto& [key, value] : objects_) values.push_back(value);
    return values;
  }

  /// The objects whose index holds `value`, ordered by key.
  std::vector<Value> by_index(const std::string& value) const {
    const std::shared_lock lock(mutex_);
    std::vector<Value> values;
    const auto found = indexed_.find(value);
    if (found == indexed_.end()) return values;
    values.reserve(found->second.size());
    for (const std::string& key : found->second) values.push_back(objects_.at(key));
    return values;
  }

  std::size_t size() const {
    const std::shared_lock lock(mutex_);
    return objects_.size();
  }

  using Objects = std::map<std::string, Value, std::less<>>;
  struct Change {
    std::string key;
    Value before;  // nothing: it is new
    Value after;   // nothing: it is gone
  };

  // For the writer.

  /// Sets (or, with nothing, removes) one object; answers what it was before.
  Value set(const std::string& key, Value value) {
    const std::unique_lock lock(mutex_);
    return set_locked(key, std::move(value));
  }

  /// Everything at once: readers see either the old or the new state. Answers what changed, the
  /// objects that vanished included.
  std::vector<Change> replace(Objects objects) {
    const std::unique_lock lock(mutex_);
    std::vector<Change> changes;
    std::vector<std::string> gone;
    for (const auto& [key, value] : objects_) {
      if (!objects.contains(key)) gone.push_back(key);
    }
    for (const std::string& key : gone) changes.push_back({key, set_locked(key, nullptr), nullptr});
    for (auto& [key, value] : objects) {
      Value before = set_locked(key, value);
      changes.push_back({key, std::move(before), value});
    }
    return changes;
  }

 private:
  Value set_locked(const std::string& key, Value value) {
    Value before;
    const auto found = objects_.find(key);
    if (found != objects_.end()) before = found->second;
    if (index_) {
      if (before) {
        for (const std::string& word : index_(*before)) drop_index(word, key);
      }
      if (value) {
        for (const std::string& word : index_(*value)) indexed_[word].insert(key);
      }
    }
    if (value) {
      objects_[key] = std::move(value);
    } else if (found != objects_.end()) {
      objects_.erase(found);
    }
    return before;
  }

  void drop_index(const std::string& word, const std::string& key) {
    const auto found = indexed_.find(word);
    if (found == indexed_.end()) return;
    found->second.erase(key);
    if (found->second.empty()) indexed_.erase(found);
  }

  const Index index_;
  mutable std::shared_mutex mutex_;
  Objects objects_;
  std::map<std::string, std::set<std::string>> indexed_;
};

}  // namespace wp::kube
