#include "queue/redis/script.h"

#include <fmt/format.h>
#include <map>
#include <openssl/evp.h>
#include <regex>
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

// What a script reads of T:cfg at once. "hash" tells whether there is a configuration at all.
std::vector<std::string> config_fields(std::string_view body) {
  const std::vector<std::string> named = directive(body, "config");
  return named.empty() ? std::vector<std::string>{"hash"} : named;
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

// Takes the lines `local NAME, … = literal, …` out of the text: a local that a function uses costs
// time at each call of the script, when the function is made; a literal costs nothing.
std::map<std::string, std::string> take_constants(std::string& text) {
  static const std::regex kLine(
      "local ([A-Z][A-Z_]*(?:, [A-Z][A-Z_]*)*) = "
      "((?:[0-9]+|'[^']*')(?:, (?:[0-9]+|'[^']*'))*)( *--.*)?");
  static const std::regex kValue("[0-9]+|'[^']*'");
  static const std::regex kName("[A-Z_]+");
  std::map<std::string, std::string> values;
  std::istringstream lines(text);
  std::string rest;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, kLine)) {
      rest += line + "\n";
      continue;
    }
    const std::string names = match[1];
    const std::string literals = match[2];
    std::sregex_iterator value(literals.begin(), literals.end(), kValue);
    for (std::sregex_iterator it(names.begin(), names.end(), kName), end;
         it != end && value != std::sregex_iterator(); ++it, ++value) {
      values[it->str()] = value->str();
    }
  }
  text = std::move(rest);
  return values;
}

enum class Words { all, called };

// Replaces whole words outside of quotes: all of them, or those before a parenthesis.
std::string substitute(const std::string& text, const std::map<std::string, std::string>& values,
                       Words words = Words::all) {
  static const std::regex kToken("'[^'\n]*'|[A-Za-z_][A-Za-z_0-9]*");
  std::string out;
  std::size_t from = 0;
  for (std::sregex_iterator it(text.begin(), text.end(), kToken), end; it != end; ++it) {
    const auto at = static_cast<std::size_t>(it->position());
    out.append(text, from, at - from);
    from = at + it->str().size();
    const bool named = words == Words::all || (from < text.size() && text[from] == '(');
    const auto found = named ? values.find(it->str()) : values.end();
    out += found == values.end() ? it->str() : found->second;
  }
  return out.append(text, from, std::string::npos);
}

// Functions that a call seldom needs are made when one of them is, all at once: making them costs
// more than most calls do. `rare` is nil until then.
std::string with_rare(const std::string& use, const std::vector<std::string>& fragments,
                      const std::string& body) {
  static const std::regex kFunction("(?:^|\n)local function ([a-z_0-9]+)");  // not within another
  std::map<std::string, std::string> calls;
  std::string table;
  std::string rare;
  for (const std::string& fragment : fragments) {
    const std::string text(source_of("lib/" + fragment));
    for (std::sregex_iterator it(text.begin(), text.end(), kFunction), end; it != end; ++it) {
      const std::string name = (*it)[1];
      calls[name] = "rarely()." + name;
      table += fmt::format("{0}={0},", name);
    }
    rare += strip(text);
  }
  return "local rare, rarely\n" + substitute(use, calls, Words::called) +
         fmt::format(
             "rarely=function()\nif rare then return rare end\n{}rare={{{}}}\nreturn "
             "rare\nend\n",
             rare, table) +
         substitute(body, calls, Words::called);
}

}  // namespace

Script::Text Script::make_text(const std::string& name) {
  const std::string_view body = source_of(name);
  Text made;
  made.key_names = directive(body, "keys");
  if (made.key_names.empty()) throw std::logic_error("script " + name + " declares no keys");
  const std::vector<std::string> rare = directive(body, "rare");
  std::string text;
  for (const std::string& fragment : directive(body, "use")) {
    text += strip(source_of("lib/" + fragment));
  }
  text = rare.empty() ? text + strip(body) : with_rare(text, rare, strip(body));
  std::map<std::string, std::string> values = take_constants(text);
  for (std::size_t i = 0; i < made.key_names.size(); ++i) {
    values["K_" + made.key_names[i]] = fmt::format("KEYS[{}]", i + 1);
  }
  const std::vector<std::string> fields = config_fields(body);
  std::string& names = values["CONFIG_FIELDS"];
  std::string& read = values["CONFIG_VALUES"];
  for (std::size_t i = 0; i < fields.size(); ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : ",", fields[i]);
    read += fmt::format("{0}=first[{1}],", fields[i], i + 1);
  }
  made.source =
      fmt::format("-- keys: {}\n", fmt::join(made.key_names, " ")) + substitute(text, values);
  made.sha1 = sha1_hex(made.source);
  return made;
}

}  // namespace wp::redis
