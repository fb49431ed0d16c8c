#include "queue/redis/script.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <sstream>
#include <stdexcept>

#include "queue/lua_sources.h"

namespace wp::redis {
namespace {

std::string sha1_hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1) {
    throw std::runtime_error("SHA-1 is not available in this OpenSSL");
  }
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::vector<std::string> directive(std::string_view body, const std::string& name) {
  const std::string prefix = "--! " + name + " ";
  std::istringstream lines{std::string(body)};
  std::vector<std::string> words;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(prefix)) continue;
    std::istringstream rest(line.substr(prefix.size()));
    for (std::string word; rest >> word;) words.push_back(word);
  }
  return words;
}

std::string_view source_of(const std::string& name) {
  const std::string_view source = lua_source(name);
  if (source.empty()) throw std::logic_error("no such script: " + name);
  return source;
}

// Comments and indentation are for us, not for the server.
std::string strip(std::string_view body) {
  std::istringstream lines{std::string(body)};
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start == std::string::npos || line.compare(start, 2, "--") == 0) continue;
    out += line.substr(start) + "\n";
  }
  return out;
}

}  // namespace

Script::Script(std::string_view name) : name_(name) {
  const std::string_view body = source_of(name_);
  key_names_ = directive(body, "keys");
  if (key_names_.empty()) throw std::logic_error("script " + name_ + " declares no keys");
  for (std::size_t i = 0; i < key_names_.size(); ++i) {
    source_ += fmt::format("local K_{}=KEYS[{}]\n", key_names_[i], i + 1);
  }
  for (const std::string& fragment : directive(body, "use")) {
    source_ += strip(source_of("lib/" + fragment));
  }
  source_ += strip(body);
  sha1_ = sha1_hex(source_);
}

}  // namespace wp::redis
