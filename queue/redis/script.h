// A Lua script as the server runs it: our source with the shared fragments that it names, keys and
// constants put in their places, and the SHA-1 by which EVALSHA calls it. Its first line is a
// comment with the names of its keys. Immutable; made once per process.
#pragma once

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
  /// Throws std::logic_error when a directive is missing or names what does not exist.
  explicit Script(std::string_view name);

  const std::string& name() const { return name_; }
  const std::string& source() const { return source_; }
  const std::string& sha1() const { return sha1_; }
  /// The last parts of the keys' names, in order: "cfg", "ready", …
  const std::vector<std::string>& key_names() const { return key_names_; }

 private:
  std::string name_;
  std::string source_;
  std::string sha1_;
  std::vector<std::string> key_names_;
};

}  // namespace wp::redis
