// The subscription thread of a source.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "operator/backlog/source.h"

namespace wp::backlog {
namespace {

constexpr Millis kWakeGap{10};  // two wake-ups of one pool are at least so far apart
constexpr Millis kSubscriptionPing{30000};
constexpr Millis kSubscribeRetry{5000};
constexpr Millis kNothingToFollow{15000};

// Of two sets of channels those that are in the first alone, behind a command's name.
redis::Command command_for(std::string name, const std::set<std::string>& these,
                           const std::set<std::string>& without) {
  redis::Command command{std::move(name)};
  std::set_difference(these.begin(), these.end(), without.begin(), without.end(),
                      std::back_inserter(command));
  return command;
}

}  // namespace

void BacklogReader::Source::forget_channel(const std::map<std::string, Entry>::value_type& entry) {
  const auto& [key, value] = entry;
  const auto [begin, end] = channels_.equal_range(queue::key_name(value.watch.queue, "events"));
  const auto it = std::find_if(begin, end, [&](const auto& item) { return item.second == key; });
  if (it != end) channels_.erase(it);
  channels_changed_ = true;
  subscription_.interrupt();
}

void BacklogReader::Source::drop(std::map<std::string, Entry>::iterator entry) {
  forget_channel(*entry);
  entries_.erase(entry);
}

void BacklogReader::Source::wake(const std::string& channel) {
  bool sooner = false;
  {
    const std::lock_guard lock(mutex_);
    const auto [begin, end] = channels_.equal_range(channel);
    for (auto it = begin; it != end; ++it) {
      Entry& entry = entries_.at(it->second);
      entry.announced = true;
      const Millis next = std::max(system_clock().steady(), entry.last_read + kWakeGap);
      if (next >= entry.next_read) continue;
      entry.next_read = next;
      sooner = true;
    }
  }
  if (sooner) changed_.notify_all();
}

void BacklogReader::Source::wait_a_while(Millis time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return stop_ || channels_changed_; });
}

bool BacklogReader::Source::has_other_channels() const {
  const std::lock_guard lock(mutex_);
  return stop_ || channels_changed_;
}

// Subscribes to what is new and takes leave of what is gone, on the connection that there is: a new
// one would have to hear of every queue again. False when the source ends.
bool BacklogReader::Source::follow(std::set<std::string>& followed) {
  std::set<std::string> wanted;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return false;
    channels_changed_ = false;
    subscription_.clear_interrupt();
    for (const auto& [channel, key] : channels_) wanted.insert(wanted.end(), channel);
  }
  if (wanted.empty()) subscription_.close();
  if (!subscription_.connected()) followed.clear();
  if (wanted.empty()) return true;
  if (!subscription_.connected()) subscription_.connect();
  for (const redis::Command& command :
       {command_for("UNSUBSCRIBE", followed, wanted), command_for("SUBSCRIBE", wanted, followed)}) {
    if (command.size() > 1) subscription_.send(command);
  }
  followed = std::move(wanted);
  return true;
}

// Until other channels are wanted. A peer that vanished without a word is left, too.
void BacklogReader::Source::listen() {
  for (bool pinged = false;;) {
    const redis::Reply push = subscription_.read_push(kSubscriptionPing);
    if (push.is_nil()) {
      if (has_other_channels()) return;
      if (pinged) return subscription_.close();
      subscription_.send({"PING"});
      pinged = true;
      continue;
    }
    pinged = false;
    set_deaf(false);
    // Also once a channel is subscribed to: what was announced before, nobody heard.
    const std::string kind = push.at(0).text();
    if (kind == "message" || kind == "subscribe") wake(push.at(1).text());
  }
}

bool BacklogReader::Source::is_deaf() const {
  const std::lock_guard lock(mutex_);
  return deaf_;
}

void BacklogReader::Source::set_deaf(bool deaf) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(deaf_, deaf) || !deaf) return;
  // Nothing will be announced: what was to be read much later is read soon.
  for (auto& [key, entry] : entries_) {
    entry.next_read = std::min(entry.next_read, entry.last_read + kBusyInterval);
  }
  changed_.notify_all();
}

void BacklogReader::Source::subscribe_loop() {
  std::set<std::string> followed;
  for (;;) {
    try {
      if (!follow(followed)) return;
      if (!subscription_.connected()) {
        wait_a_while(kNothingToFollow);
        continue;
      }
      listen();
    } catch (const redis::Error& error) {
      subscription_.close();
      if (has_other_channels()) continue;
      if (!is_deaf()) {
        log::warn("queue events cannot be followed; reading each second instead",
                  {{"class", redis::to_string(error.error_class())}, {"error", error.loggable()}});
      }
      set_deaf(true);
      wait_a_while(error.connection_lost() ? Millis{500} : kSubscribeRetry);
    }
  }
}

}  // namespace wp::backlog
