#include "tests/architecture/include_rules.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <regex>
#include <string_view>

namespace wp::test {
namespace {

namespace fs = std::filesystem;

struct Rule {
  std::string_view folder;
  std::vector<std::string_view> may_include;
};

// The first rule whose folder holds the file counts.
const std::vector<Rule>& rules() {
  static const std::vector<Rule> all = {
      {"base", {"base"}},
      {"queue", {"base", "queue"}},
      {"runner", {"base", "queue", "runner"}},
      // The API client knows nothing of pools or controllers: a client of the API is all ctl is
      // there.
      {"ctl",
       {"base", "queue", "ctl", "operator/pool", "operator/scaling", "operator/sizing",
        "operator/kube"}},
      {"operator/pool", {"base", "operator/pool"}},
      {"operator/scaling", {"base", "operator/scaling"}},
      {"operator/sizing", {"base", "operator/pool", "operator/scaling", "operator/sizing"}},
      {"operator/kube", {"base", "operator/kube"}},
      {"operator", {"base", "queue", "operator"}},
  };
  return all;
}

// Free to include what they like, and no place for anyone to include from.
constexpr std::array<std::string_view, 4> kFree = {"tests", "bench", "demo", "tools"};

constexpr std::array<std::string_view, 2> kHttpUsers = {"base/http_server.cpp",
                                                        "operator/kube/http.cpp"};

bool is_within(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

bool is_source(const fs::path& path) {
  static const std::array<std::string_view, 6> kEndings = {".h",  ".hpp", ".cpp",
                                                           ".cc", ".c",   ".inc"};
  return std::find(kEndings.begin(), kEndings.end(), path.extension().string()) != kEndings.end();
}

std::string_view top_of(std::string_view path) {
  return path.substr(0, path.find('/'));
}

bool is_free(std::string_view path) {
  return std::find(kFree.begin(), kFree.end(), top_of(path)) != kFree.end();
}

// What is named with one of our folders in front is ours, in quotes or not.
bool is_ours(std::string_view include) {
  if (include.find('/') == std::string_view::npos) return false;
  return is_free(include) || std::any_of(rules().begin(), rules().end(), [&](const Rule& rule) {
           return top_of(rule.folder) == top_of(include);
         });
}

std::optional<std::string> include_of(const std::string& line) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)");
  std::smatch match;
  if (!std::regex_match(line, match, kInclude)) return std::nullopt;
  return match[1].str();
}

class Checker {
 public:
  explicit Checker(fs::path root) : root_(std::move(root)) {}

  TreeReport run() {
    for (const auto& top : fs::directory_iterator(root_)) {
      const std::string name = top.path().filename().string();
      // Hidden folders and builds are no part of the tree.
      if (!top.is_directory() || name.starts_with(".") || name.starts_with("build") ||
          is_free(name)) {
        continue;
      }
      for (const auto& entry : fs::recursive_directory_iterator(top.path())) {
        if (entry.is_regular_file() && is_source(entry.path())) {
          check_file(fs::relative(entry.path(), root_).generic_string());
        }
      }
    }
    std::sort(report_.violations.begin(), report_.violations.end());
    std::sort(report_.http_users.begin(), report_.http_users.end());
    return std::move(report_);
  }

 private:
  void check_file(const std::string& file) {
    ++report_.files;
    const auto rule = std::find_if(rules().begin(), rules().end(),
                                   [&](const Rule& r) { return is_within(file, r.folder); });
    if (rule == rules().end()) {
      report_.violations.push_back(
          file + ": its folder has no rule; add one to tests/architecture/include_rules.cpp");
      return;
    }
    std::ifstream in(root_ / file);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      const auto include = include_of(line);
      if (include) check_include(*rule, file, number, *include);
    }
  }

  void check_include(const Rule& rule, const std::string& file, int number,
                     const std::string& include) {
    const auto violation = [&](const std::string& what) {
      report_.violations.push_back(
          fmt::format("{}:{}: includes {}: {}", file, number, include, what));
    };
    if (include == "httplib.h" || include.ends_with("/httplib.h")) {
      report_.http_users.push_back(file);
      if (std::find(kHttpUsers.begin(), kHttpUsers.end(), file) == kHttpUsers.end()) {
        violation(fmt::format("allowed in {} only", fmt::join(kHttpUsers, ", ")));
      }
      return;
    }
    if (include.find("..") != std::string::npos) {
      violation("allowed are paths from the top of the tree");
      return;
    }
    if (!is_ours(include)) return;
    ++report_.includes;
    const bool allowed =
        std::any_of(rule.may_include.begin(), rule.may_include.end(),
                    [&](std::string_view folder) { return is_within(include, folder); });
    if (!allowed) {
      violation(fmt::format("{} may include {}", rule.folder, fmt::join(rule.may_include, ", ")));
    }
  }

  fs::path root_;
  TreeReport report_;
};

}  // namespace

TreeReport check_includes(const std::filesystem::path& root) {
  return Checker(root).run();
}

}  // namespace wp::test
