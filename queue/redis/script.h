// A Lua script as the server runs it: our source with the shared fragments that it names, keys and
// constants put in their places, and the SHA-1 by which EVALSHA calls it. Its first line is a
// comment with the names of its keys. The text is made when it is asked for first, by any thread:
// no program calls all of them. It never changes then.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace wp::redis {

class Script {
 public:
  /// `body` starts with directives:
  ///   --! keys cfg ready …     the keys it declares, in order: K_cfg, K_ready, … in the text
  ///   --! use wake jobs        fragments of lua/lib, put in front in this order
  ///   --! rare session …       fragments whose functions are made when the first of them is called
  ///   --! config hash bytes …  the fields of T:cfg that it reads at once (lua/lib/cfg.lua)
  explicit Script(std::string_view name) : name_(name) {}

  const std::string& name() const { return name_; }
  // These throw std::logic_error when a directive is missing or names what does not exist.
  const std::string& source() const { return text().source; }
  const std::string& sha1() const { return text().sha1; }
  /// The last parts of the keys' names, in order: "cfg", "ready", …
  const std::vector<std::string>& key_names() const { return text().key_names; }

 private:
  struct Text {
    std::string source;
    std::string sha1;
    std::vector<std::string> key_names;
  };

  static Text make_text(const std::string& name);
  const Text& text() const {
    std::call_once(made_, [this] { text_ = make_text(name_); });
    return text_;
  }

  std::string name_;
  mutable std::once_flag made_;
  mutable Text text_;
};

}  // namespace wp::redis
